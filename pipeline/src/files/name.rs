//! Paths in tables and messages.

use std::path::Path;

/// The path as text. Bytes that are no UTF-8 and control characters stand as `\xE4`, so that two names never fall
/// together and none of them changes a terminal.
pub fn path_text(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_control() {
                let mut bytes = [0; 4];
                text.extend(letter.encode_utf8(&mut bytes).bytes().map(escaped));
            } else {
                text.push(letter);
            }
        }
        text.extend(chunk.invalid().iter().copied().map(escaped));
    }
    text
}

fn escaped(byte: u8) -> String {
    format!("\\x{byte:02X}")
}

#[cfg(all(test, unix))]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn names_that_are_no_text_stay_apart_and_change_no_terminal() {
        let text = |bytes: &[u8]| path_text(Path::new(OsStr::from_bytes(bytes)));
        assert_eq!(text("Schädel/1.dcm".as_bytes()), "Schädel/1.dcm");
        assert_eq!(text(b"Sch\xe4del/1.dcm"), "Sch\\xE4del/1.dcm");
        assert_ne!(text(b"\xe4"), text(b"\xf6"));
        assert_eq!(text(b"a\x1b[2Jb"), "a\\x1B[2Jb");
    }
}

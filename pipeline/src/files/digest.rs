//! SHA-256 of files, as in `SHA256SUMS`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
        text
    })
}

/// SHA-256 of `bytes`, in hexadecimal.
pub fn sha256_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of the file at `path`, in hexadecimal, with its size.
///
/// # Errors
///
/// The I/O error of the system.
pub fn sha256_file(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0_u8; 1 << 20];
    let mut digest = Sha256::new();
    let mut size = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok((hex(&digest.finalize()), size));
        }
        digest.update(&buffer[..count]);
        size += count as u64;
    }
}

/// Passes bytes on and hashes them on the way.
#[derive(Debug)]
pub struct HashingWriter<W> {
    inner: W,
    digest: Sha256,
    size: u64,
}

impl<W: Write> HashingWriter<W> {
    /// Wraps `inner`.
    pub fn new(inner: W) -> Self {
        Self { inner, digest: Sha256::new(), size: 0 }
    }

    /// The writer, the hash in hexadecimal and the number of bytes written.
    pub fn finish(self) -> (W, String, u64) {
        (self.inner, hex(&self.digest.finalize()), self.size)
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.digest.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The sums of a text such as `SHA256SUMS` by file, and the lines that are none.
pub fn parse_sums(text: &str) -> (BTreeMap<&str, &str>, Vec<&str>) {
    let mut sums = BTreeMap::new();
    let mut unreadable = Vec::new();
    for line in text.lines() {
        match line.split_once("  ") {
            Some((sum, file)) => {
                sums.insert(file, sum);
            }
            None => unreadable.push(line),
        }
    }
    (sums, unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_the_one_of_the_standard() {
        // FIPS 180-4 test vector.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_bytes(b"abc"), expected);
        let mut writer = HashingWriter::new(Vec::new());
        writer.write_all(b"a").and_then(|()| writer.write_all(b"bc")).expect("writes");
        assert_eq!(writer.finish(), (b"abc".to_vec(), expected.to_owned(), 3));
    }
}

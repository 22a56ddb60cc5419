//! The head and the tail of a member (RFC 1952).

/// The first bytes of a gzip member.
pub const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Bytes of the checksum and the length after the stream of a member.
pub(crate) const TAIL: usize = 8;

/// The last four bytes of a member: its decoded length modulo 2³².
pub(crate) fn decoded_length(member: &[u8]) -> usize {
    member.last_chunk().map_or(0, |length| u32::from_le_bytes(*length) as usize)
}

/// The length of a member's head (RFC 1952, section 2.3); none where it is not gzip.
pub(crate) fn head_length(content: &[u8]) -> Option<usize> {
    let flags = *content.get(3)?;
    if content[..2] != MAGIC || content[2] != 8 {
        return None;
    }
    let mut length = 10;
    if flags & 4 != 0 {
        length += 2 + usize::from(u16::from_le_bytes(*content.get(length..)?.first_chunk()?));
    }
    // A name and a comment, each with a zero at its end.
    for flag in [8, 16] {
        if flags & flag != 0 {
            length += content.get(length..)?.iter().position(|&byte| byte == 0)? + 1;
        }
    }
    length += if flags & 2 != 0 { 2 } else { 0 };
    (length < content.len()).then_some(length)
}

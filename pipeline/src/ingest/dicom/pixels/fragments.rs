//! Encapsulated pixels: fragments, frames, and the heads of code streams (PS3.5 annex A.4).

use std::borrow::Cow;

use crate::ingest::dicom::format::ITEM;

/// The fragments of encapsulated Pixel Data.
#[derive(Debug, Clone)]
pub(crate) struct Fragments<'a> {
    /// Offsets of the frames' first items, from the first byte after the table; may be empty.
    table: Vec<usize>,
    /// Each fragment with the offset of its item.
    fragments: Vec<(usize, &'a [u8])>,
}

fn item(bytes: &[u8], at: usize) -> Option<(u32, usize)> {
    let head: [u8; 8] = bytes.get(at..at.checked_add(8)?)?.try_into().ok()?;
    let group = u16::from_le_bytes([head[0], head[1]]);
    let element = u16::from_le_bytes([head[2], head[3]]);
    let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    Some((u32::from(group) << 16 | u32::from(element), length as usize))
}

impl<'a> Fragments<'a> {
    /// Finds the fragments in `bytes`, which begin with the item of the offset table. A last
    /// fragment that is cut short is kept, so that its decoder can say so.
    pub(crate) fn parse(bytes: &'a [u8]) -> Self {
        let mut all = Vec::new();
        let mut at = 0;
        while let Some((ITEM, length)) = item(bytes, at) {
            let start = at + 8;
            let end = start.saturating_add(length).min(bytes.len());
            all.push((at, &bytes[start..end]));
            at = end;
        }
        let mut fragments = all.into_iter();
        let table: Vec<usize> = fragments
            .next()
            .map(|(_, table)| {
                table
                    .chunks_exact(4)
                    .filter_map(|chunk| chunk.try_into().ok())
                    .map(|offset| u32::from_le_bytes(offset) as usize)
                    .collect()
            })
            .unwrap_or_default();
        let mut fragments: Vec<(usize, &[u8])> = fragments.collect();
        let first = fragments.first().map_or(0, |(at, _)| *at);
        for (at, _) in &mut fragments {
            *at -= first;
        }
        Self { table, fragments }
    }

    /// The bytes of one of `frames` frames, joined where it lies in several fragments.
    pub(crate) fn frame(&self, frame: usize, frames: usize) -> Option<Cow<'a, [u8]>> {
        let join = |parts: &[(usize, &'a [u8])]| match parts {
            [] => None,
            [(_, only)] => Some(Cow::Borrowed(*only)),
            several => {
                Some(Cow::Owned(several.iter().flat_map(|(_, part)| *part).copied().collect()))
            }
        };
        if frames == 1 {
            return join(&self.fragments);
        }
        if self.fragments.len() == frames {
            return join(self.fragments.get(frame..=frame)?);
        }
        let starts: Vec<usize> = if self.table.len() == frames {
            self.table.clone()
        } else {
            // Without a table a frame begins where a code stream begins.
            self.fragments
                .iter()
                .filter(|(_, part)| {
                    part.starts_with(&[0xff, 0xd8, 0xff]) || part.starts_with(&[0xff, 0x4f, 0xff])
                })
                .map(|(at, _)| *at)
                .collect()
        };
        if starts.len() != frames {
            return None;
        }
        let start = *starts.get(frame)?;
        let end = starts.get(frame + 1).copied().unwrap_or(usize::MAX);
        let first = self.fragments.partition_point(|(at, _)| *at < start);
        let last = self.fragments.partition_point(|(at, _)| *at < end);
        join(self.fragments.get(first..last)?)
    }
}

/// What a code stream says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamHead {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) components: u16,
    /// Bits a value.
    pub(crate) precision: u16,
    pub(crate) lossless: bool,
}

fn big(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

/// The frame header of a JPEG stream (ITU-T T.81 section B.2.2) or, where asked for, of a JPEG-LS one
/// (T.87 section C.2.2).
pub(crate) fn jpeg_head(stream: &[u8], is_ls: bool) -> Option<StreamHead> {
    if !stream.starts_with(&[0xff, 0xd8]) {
        return None;
    }
    let mut at = 2;
    loop {
        if *stream.get(at)? != 0xff {
            return None;
        }
        let marker = *stream.get(at + 1)?;
        match marker {
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            // Start of frame, but for the tables DHT, JPG and DAC among their codes.
            0xc0..=0xcf | 0xf7
                if is_ls == (marker == 0xf7) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) =>
            {
                return Some(StreamHead {
                    precision: u16::from(*stream.get(at + 4)?),
                    rows: big(stream, at + 5)?,
                    columns: big(stream, at + 7)?,
                    components: u16::from(*stream.get(at + 9)?),
                    lossless: matches!(marker, 0xc3 | 0xc7 | 0xcb | 0xcf),
                });
            }
            0xd9 | 0xda => return None,
            _ => at += 2 + big(stream, at + 2)?,
        }
    }
}

/// The size marker of a JPEG 2000 code stream (ISO 15444-1 section A.5.1), also inside a JP2 file.
pub(crate) fn jpeg_2000_head(stream: &[u8]) -> Option<StreamHead> {
    let start = if stream.starts_with(&[0xff, 0x4f, 0xff, 0x51]) {
        0
    } else {
        stream.windows(4).position(|window| window == [0xff, 0x4f, 0xff, 0x51])?
    };
    let size = stream.get(start + 4..)?;
    let long = |at: usize| -> Option<usize> {
        Some(u32::from_be_bytes(size.get(at..at + 4)?.try_into().ok()?) as usize)
    };
    Some(StreamHead {
        columns: long(4)?.checked_sub(long(12)?)?,
        rows: long(8)?.checked_sub(long(16)?)?,
        components: u16::try_from(big(size, 36)?).ok()?,
        precision: u16::from(*size.get(38)? & 0x7f) + 1,
        lossless: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encapsulated(table: &[u32], parts: &[&[u8]]) -> Vec<u8> {
        let mut bytes = vec![0xfe, 0xff, 0x00, 0xe0];
        bytes.extend((table.len() as u32 * 4).to_le_bytes());
        bytes.extend(table.iter().flat_map(|offset| offset.to_le_bytes()));
        for part in parts {
            bytes.extend([0xfe, 0xff, 0x00, 0xe0]);
            bytes.extend((part.len() as u32).to_le_bytes());
            bytes.extend(*part);
        }
        bytes.extend([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
        bytes
    }

    #[test]
    fn frames_over_several_fragments_are_joined_by_table_or_by_their_first_marker() {
        let (first, second, third): (&[u8], &[u8], &[u8]) =
            (&[0xff, 0xd8, 0xff, 1], &[2, 2], &[0xff, 0xd8, 0xff, 3]);
        for table in [&[0, 22][..], &[][..]] {
            let bytes = encapsulated(table, &[first, second, third]);
            let fragments = Fragments::parse(&bytes);
            assert_eq!(*fragments.frame(0, 2).expect("is there"), [0xff, 0xd8, 0xff, 1, 2, 2]);
            assert_eq!(*fragments.frame(1, 2).expect("is there"), [0xff, 0xd8, 0xff, 3]);
            assert_eq!(fragments.frame(0, 1).expect("is there").len(), 10);
            assert!(fragments.frame(2, 2).is_none());
        }
    }

    #[test]
    fn heads_of_streams_are_read_or_refused() {
        let jpeg = [
            0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xc3, 0, 11, 12, 0, 64, 0, 32, 1, 1, 0x11, 0,
        ];
        let head = jpeg_head(&jpeg, false).expect("has a frame header");
        assert_eq!((head.rows, head.columns, head.components), (64, 32, 1));
        assert_eq!((head.precision, head.lossless), (12, true));
        for end in 0..jpeg.len() - 4 {
            assert_eq!(jpeg_head(&jpeg[..end], false), None);
            assert_eq!(jpeg_2000_head(&jpeg[..end]), None);
        }
    }
}

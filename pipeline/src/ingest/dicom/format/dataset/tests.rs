use proptest::prelude::*;

use super::*;

fn explicit(tag: u32, vr: [u8; 2], value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(((tag >> 16) as u16).to_le_bytes());
    bytes.extend((tag as u16).to_le_bytes());
    bytes.extend(vr);
    if has_long_length(vr) {
        bytes.extend([0, 0]);
        bytes.extend((value.len() as u32).to_le_bytes());
    } else {
        bytes.extend((value.len() as u16).to_le_bytes());
    }
    bytes.extend(value);
    bytes
}

#[test]
fn decimals_are_read_under_every_representation() {
    let at = number(tags::RESCALE_SLOPE);
    for (vr, value) in [
        (*b"DS", b"1.5 ".to_vec()),
        (*b"UN", b"1.5\0".to_vec()),
        (*b"FD", 1.5_f64.to_le_bytes().to_vec()),
        (*b"FL", 1.5_f32.to_le_bytes().to_vec()),
    ] {
        let bytes = explicit(at, vr, &value);
        let set = DataSet::parse(&bytes, 0, Encoding::EXPLICIT_LITTLE);
        assert_eq!(set.decimals(at), [1.5], "{}", String::from_utf8_lossy(&vr));
    }
}

#[test]
fn a_value_that_is_no_number_does_not_move_the_others() {
    let at = number(tags::IMAGE_POSITION_PATIENT);
    let bytes = explicit(at, *b"DS", b"1\\x\\3 ");
    let set = DataSet::parse(&bytes, 0, Encoding::EXPLICIT_LITTLE);
    assert_eq!(set.decimals(at), [1.0]);
}

#[test]
fn a_sequence_of_undefined_length_is_passed_over_and_read() {
    let (outer, inside, after) = (
        number(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE),
        number(tags::IMAGE_POSITION_PATIENT),
        number(Tag(0x5400, 0x0001)),
    );
    let mut bytes = vec![0x00, 0x52, 0x29, 0x92, b'S', b'Q', 0, 0, 0xff, 0xff, 0xff, 0xff];
    bytes.extend([0xfe, 0xff, 0x00, 0xe0, 0xff, 0xff, 0xff, 0xff]);
    bytes.extend(explicit(inside, *b"DS", b"4 "));
    bytes.extend([0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0]);
    bytes.extend([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
    bytes.extend(explicit(after, *b"DS", b"5 "));
    let set = DataSet::parse(&bytes, 0, Encoding::EXPLICIT_LITTLE);
    assert_eq!(set.decimals(after), [5.0]);
    let items = set.items(outer);
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].decimals(inside), [4.0]);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        explicit in any::<bool>(),
        big_endian in any::<bool>(),
    ) {
        let set = DataSet::parse(&bytes, 0, Encoding { explicit, big_endian });
        for element in &set.elements {
            set.decimals(element.tag);
            set.integer(element.tag);
            set.items(element.tag);
            set.text(element.tag);
        }
        prop_assert!(set.len() <= bytes.len() / 8 + 1);
    }
}

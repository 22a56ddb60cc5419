//! Memory for whole volumes.

use arrow::buffer::MutableBuffer;
use bytemuck::Zeroable;

/// `length` zeros, in huge pages where the system has them to give: a volume touched for the first time
/// page by page spends an eighth of its reading time in the kernel.
pub(crate) fn zeroed<T: Zeroable + Copy>(length: usize) -> Vec<T> {
    let memory = vec![T::zeroed(); length];
    #[cfg(target_os = "linux")]
    prefer_huge_pages(&memory);
    memory
}

/// As [`zeroed`], as bytes whose first is aligned for every voxel type and for Arrow.
pub(crate) fn zeroed_buffer(length: usize) -> MutableBuffer {
    let memory = MutableBuffer::from_len_zeroed(length);
    #[cfg(target_os = "linux")]
    prefer_huge_pages(memory.as_slice());
    memory
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "advice to the kernel is a call of the system")]
fn prefer_huge_pages<T>(memory: &[T]) {
    const PAGE: usize = 4096;
    let range = memory.as_ptr_range();
    let start = (range.start as usize).next_multiple_of(PAGE);
    let end = range.end as usize / PAGE * PAGE;
    if start < end {
        // SAFETY: The pages lie within `memory`, and this advice changes no byte of them. It may be
        // refused, and nothing depends on it.
        unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_HUGEPAGE) };
    }
}

//! Memory of an outgoing message that JS fills and the endpoint sends without a copy, to as many peers as it likes.
//! JS promises that the bytes stay as they are once they were given to a send.
use bytes::Bytes;
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;
use std::sync::Arc;

/// Far above any message; a larger wish is a mistake.
const MAX_BYTES: usize = 1 << 26;

pub struct Body {
    data: NonNull<u8>,
    layout: Layout,
}

// SAFETY: the memory belongs to the body alone, and after a send nobody writes to it (see the promise above).
unsafe impl Send for Body {}
// SAFETY: as above.
unsafe impl Sync for Body {}

impl Body {
    /// Zeroed memory; None for no bytes, for too many, or when the system has none.
    pub fn new(length: usize) -> Option<Arc<Self>> {
        if length == 0 || length > MAX_BYTES {
            return None;
        }
        let layout = Layout::array::<u8>(length).ok()?;
        // SAFETY: the layout is not empty.
        let data = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Arc::new(Self { data, layout }))
    }

    pub fn data(&self) -> *mut u8 {
        self.data.as_ptr()
    }

    /// A part of the memory, which stays alive as long as the part. None when it does not lie inside.
    pub fn part(self: &Arc<Self>, offset: usize, length: usize) -> Option<Bytes> {
        let end = offset.checked_add(length)?;
        (end <= self.layout.size())
            .then(|| Bytes::from_owner(Owner(self.clone())).slice(offset..end))
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout, and freed nowhere else.
        unsafe { dealloc(self.data.as_ptr(), self.layout) };
    }
}

struct Owner(Arc<Body>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: initialised in `new`, alive as long as the body, and not written to after it was given to a send.
        unsafe { std::slice::from_raw_parts(self.0.data.as_ptr(), self.0.layout.size()) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Body, MAX_BYTES};

    #[test]
    fn parts_outlive_the_body_and_stay_inside() -> Result<(), &'static str> {
        let body = Body::new(10).ok_or("no memory")?;
        let part = body.part(2, 8).ok_or("lies inside")?;
        assert!(body.part(3, 8).is_none() && body.part(usize::MAX, 2).is_none());
        drop(body);
        assert_eq!(part.as_ref(), &[0; 8]);
        assert!(Body::new(0).is_none() && Body::new(MAX_BYTES + 1).is_none());
        Ok(())
    }
}

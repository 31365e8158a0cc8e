// Blending of pixels and a dot product over slices in Rust, vectorised by the compiler.
#![no_std]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}

static mut TOP: [u8; 65536] = [0; 65536];
static mut BOTTOM: [u8; 65536] = [0; 65536];
static mut WEIGHTS: [f32; 4096] = [0.0; 4096];

#[inline(never)]
fn blend(top: &[u8], bottom: &mut [u8], alpha: u16) {
    for (b, &t) in bottom.iter_mut().zip(top) {
        *b = ((t as u16 * alpha + *b as u16 * (256 - alpha)) >> 8) as u8;
    }
}

#[inline(never)]
fn scale(weights: &mut [f32], by: f32) -> u32 {
    let mut bits = 0u32;
    for w in weights.iter_mut() {
        *w = *w * by + 0.25;
        bits = bits.wrapping_add(w.to_bits());
    }
    bits
}

#[no_mangle]
pub extern "C" fn run(n: u32) -> u64 {
    let (top, bottom, weights) = unsafe { (&mut *core::ptr::addr_of_mut!(TOP), &mut *core::ptr::addr_of_mut!(BOTTOM), &mut *core::ptr::addr_of_mut!(WEIGHTS)) };
    for i in 0..65536usize {
        top[i] = (i * 31 + (i >> 8)) as u8;
        bottom[i] = (i * 17) as u8;
    }
    for (i, w) in weights.iter_mut().enumerate() {
        *w = (i & 255) as f32 / 256.0;
    }
    let mut sum = 0u64;
    for k in 0..n {
        blend(top, bottom, (k & 255) as u16);
        for _ in 0..8 {
            sum = sum.wrapping_mul(31).wrapping_add(scale(weights, 0.75) as u64);
        }
    }
    bottom.iter().fold(sum, |h, &b| (h ^ b as u64).wrapping_mul(0x100000001b3))
}

// Names of Rust in a backtrace: a method of a generic type, a closure, a function that is inlined.
#![no_std]

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}

pub struct Shelf<T> {
    content: [T; 4],
}

impl<T: Copy + Into<i32>> Shelf<T> {
    #[inline(never)]
    fn take(&self, at: usize) -> i32 {
        let scale = halve(at as i32 - 9); // scale
        self.content[at & 3].into() / scale // take
    }
}

#[inline(always)]
fn halve(by: i32) -> i32 {
    if by == 0 {
        core::arch::wasm32::unreachable() // halve
    }
    by / 2
}

#[inline(never)]
fn visit(function: &dyn Fn(usize) -> i32, at: usize) -> i32 {
    function(at) + 1 // visit
}

#[no_mangle]
pub extern "C" fn run(at: usize) -> i32 {
    let shelf = Shelf { content: [at as i16; 4] };
    visit(&|inner| shelf.take(inner) + 2, at) + 3 // run
}

// The standard library's stable and unstable sorts, and a binary heap, on structures.
use std::collections::BinaryHeap;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Item {
    key: u32,
    weight: u64,
}

#[no_mangle]
pub extern "C" fn run(n: u32) -> u64 {
    let mut sum = 0u64;
    for round in 0..n {
        let mut x = round.wrapping_mul(2654435761) | 1;
        let mut items: Vec<Item> = (0..20_000)
            .map(|i| {
                x ^= x << 13;
                x ^= x >> 17;
                x ^= x << 5;
                Item { key: x % 1000, weight: i }
            })
            .collect();
        let mut copy = items.clone();
        items.sort_by_key(|i| i.key);
        copy.sort_unstable();
        let mut heap: BinaryHeap<Item> = copy.iter().step_by(7).copied().collect();
        while let Some(item) = heap.pop() {
            sum = sum.wrapping_mul(31).wrapping_add(item.weight ^ item.key as u64);
        }
        sum = sum.wrapping_add(items.iter().zip(&copy).filter(|(a, b)| a == b).count() as u64);
    }
    sum
}

// The standard library's ordered and hashed maps with strings as keys: allocation, comparison, SipHash.
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

#[derive(Default)]
struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.0 = (self.0 ^ b as u64).wrapping_mul(0x100000001b3);
        }
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

fn round(seed: u32) -> u64 {
    let mut counts: HashMap<String, u32, BuildHasherDefault<Fnv>> = HashMap::default();
    let mut x = seed | 1;
    for _ in 0..20_000 {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        *counts.entry(format!("key{}", x % 3000)).or_insert(0) += 1;
    }
    let ordered: BTreeMap<&str, u32> = counts.iter().map(|(k, v)| (k.as_str(), *v)).collect();
    ordered.iter().enumerate().map(|(i, (k, v))| (i as u64 + 1) * (k.len() as u64) * *v as u64).sum()
}

#[no_mangle]
pub extern "C" fn run(n: u32) -> u64 {
    (0..n).map(|i| round(i + 1)).fold(0u64, |a, b| a.wrapping_add(b))
}

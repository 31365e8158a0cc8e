// A segmented sieve with iterators and slices: bounds checks, iterator adaptors, a growing vector.
fn sieve(limit: usize) -> Vec<u32> {
    let mut composite = vec![false; limit + 1];
    let mut primes = Vec::new();
    for i in 2..=limit {
        if !composite[i] {
            primes.push(i as u32);
            let mut j = i * i;
            while j <= limit {
                composite[j] = true;
                j += i;
            }
        }
    }
    primes
}

#[no_mangle]
pub extern "C" fn run(n: u32) -> u64 {
    (0..n).map(|round| sieve(200_000 + (round as usize & 7)).iter().map(|&p| p as u64).sum::<u64>()).sum()
}

// Generic dense matrices with operator overloading: what is left of the abstractions after inlining, bounds checks included.
use std::ops::{Add, Index, IndexMut, Mul};

#[derive(Clone)]
struct Matrix<T> {
    size: usize,
    cells: Vec<T>,
}

impl<T> Index<(usize, usize)> for Matrix<T> {
    type Output = T;
    fn index(&self, (i, j): (usize, usize)) -> &T {
        &self.cells[i * self.size + j]
    }
}

impl<T> IndexMut<(usize, usize)> for Matrix<T> {
    fn index_mut(&mut self, (i, j): (usize, usize)) -> &mut T {
        &mut self.cells[i * self.size + j]
    }
}

fn multiply<T: Copy + Default + Add<Output = T> + Mul<Output = T>>(a: &Matrix<T>, b: &Matrix<T>) -> Matrix<T> {
    let mut c = Matrix { size: a.size, cells: vec![T::default(); a.cells.len()] };
    for i in 0..a.size {
        for k in 0..a.size {
            for j in 0..a.size {
                c[(i, j)] = c[(i, j)] + a[(i, k)] * b[(k, j)];
            }
        }
    }
    c
}

#[no_mangle]
pub extern "C" fn run(n: u32) -> u64 {
    let size = 96;
    let m = Matrix { size, cells: (0..size * size).map(|i| ((i * 7919) % 13) as f64 / 64.0).collect() };
    let k = Matrix { size, cells: (0..size * size).map(|i| ((i * 7919) % 13) as u64).collect() };
    let (mut p, mut q) = (m.clone(), k.clone());
    for i in 0..n {
        p = multiply(&p, &m);
        q = multiply(&q, &k);
        if i % 4 == 3 {
            p = m.clone();
        }
    }
    p.cells.iter().fold(0u64, |a, c| a.wrapping_mul(31).wrapping_add(c.to_bits())) ^ q.cells.iter().fold(0u64, |a, c| a.wrapping_mul(31).wrapping_add(*c))
}

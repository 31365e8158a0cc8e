// Trait objects and enums: virtual calls, matches, boxed trees that are built, simplified and dropped.
enum Node {
    Number(i64),
    Variable(u8),
    Sum(Box<Node>, Box<Node>),
    Product(Box<Node>, Box<Node>),
}

trait Visitor {
    fn leaf(&mut self, value: i64) -> i64;
    fn join(&mut self, product: bool, left: i64, right: i64) -> i64;
}

struct Evaluate;
struct Depth(i64);

impl Visitor for Evaluate {
    fn leaf(&mut self, value: i64) -> i64 {
        value
    }
    fn join(&mut self, product: bool, left: i64, right: i64) -> i64 {
        if product { left.wrapping_mul(right) } else { left.wrapping_add(right) }
    }
}

impl Visitor for Depth {
    fn leaf(&mut self, _: i64) -> i64 {
        self.0 += 1;
        1
    }
    fn join(&mut self, _: bool, left: i64, right: i64) -> i64 {
        1 + left.max(right)
    }
}

fn build(depth: u32, state: &mut u32) -> Box<Node> {
    *state = state.wrapping_mul(1664525).wrapping_add(1013904223);
    let bits = *state >> 24;
    if depth == 0 || bits < 20 {
        return Box::new(if bits & 1 == 0 { Node::Number((bits % 10) as i64) } else { Node::Variable((bits % 4) as u8) });
    }
    let (left, right) = (build(depth - 1, state), build(depth - 1, state));
    Box::new(if bits & 2 == 0 { Node::Sum(left, right) } else { Node::Product(left, right) })
}

fn simplify(node: Box<Node>) -> Box<Node> {
    match *node {
        Node::Product(l, r) => match (simplify(l), simplify(r)) {
            (l, _) if matches!(*l, Node::Number(0)) => l,
            (l, r) if matches!(*l, Node::Number(1)) => r,
            (l, r) => Box::new(Node::Product(l, r)),
        },
        Node::Sum(l, r) => Box::new(Node::Sum(simplify(l), simplify(r))),
        other => Box::new(other),
    }
}

fn visit(node: &Node, visitor: &mut dyn Visitor) -> i64 {
    match node {
        Node::Number(n) => visitor.leaf(*n),
        Node::Variable(v) => visitor.leaf(*v as i64 + 3),
        Node::Sum(l, r) => {
            let (l, r) = (visit(l, visitor), visit(r, visitor));
            visitor.join(false, l, r)
        }
        Node::Product(l, r) => {
            let (l, r) = (visit(l, visitor), visit(r, visitor));
            visitor.join(true, l, r)
        }
    }
}

#[no_mangle]
pub extern "C" fn run(n: u32) -> u64 {
    let mut sum = 0u64;
    for i in 0..n {
        let mut state = i.wrapping_mul(7919);
        let tree = simplify(build(12, &mut state));
        let mut visitors: [Box<dyn Visitor>; 2] = [Box::new(Evaluate), Box::new(Depth(0))];
        for visitor in visitors.iter_mut() {
            sum = sum.wrapping_mul(31).wrapping_add(visit(&tree, visitor.as_mut()) as u64);
        }
    }
    sum
}

// One request to a function as it is hosted for each request: a query is parsed, decoded, sorted, and answered in JSON. For the benchmark of instantiation, where the
// guest's own work has to be as small as such functions are; not among the programs of `execute`.
use std::collections::BTreeMap;
use std::fmt::Write;

fn decode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        match b {
            b'+' => out.push(' '),
            b'%' => {
                let mut digit = || bytes.next().and_then(|d| (d as char).to_digit(16)).unwrap_or(0);
                let (high, low) = (digit(), digit());
                out.push((high * 16 + low) as u8 as char);
            }
            _ => out.push(b as char),
        }
    }
    out
}

fn answer(query: &str) -> String {
    let fields: BTreeMap<&str, String> = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(key, value)| (key, decode(value))).collect();
    let mut json = String::from("{");
    for (i, (key, value)) in fields.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        match value.parse::<i64>() {
            Ok(number) => write!(json, "{comma}\"{key}\":{number}").unwrap(),
            Err(_) => write!(json, "{comma}\"{key}\":\"{value}\"").unwrap(),
        }
    }
    json.push('}');
    json
}

#[no_mangle]
pub extern "C" fn run(n: u32) -> u64 {
    let mut sum = 0u64;
    for i in 0..n {
        let json = answer(&format!("name=Ada+Lovelace&tags=a%2Cb%2Cc&limit={}&page={}&empty=", i + 10, i));
        sum = json.bytes().fold(sum, |h, b| (h ^ b as u64).wrapping_mul(0x100000001b3));
    }
    sum
}

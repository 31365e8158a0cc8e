// Counts words of the files named, as Rust's standard library does it on WASI: arguments, variables, files, directories, time, a hash map (random keys),
// formatted output and an exit status.
use std::collections::HashMap;
use std::io::{BufRead, Read, Seek, SeekFrom, Write};
use std::{env, fs, io, process, time};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().collect();
    let root = arguments[1].clone();
    let started = time::Instant::now();
    fs::create_dir_all(format!("{root}/texts/inner"))?;
    for (i, text) in ["one two two", "three three three", "two"].iter().enumerate() {
        let mut file = fs::File::create(format!("{root}/texts/{i}.txt"))?;
        writeln!(file, "{text}")?;
    }
    fs::write(format!("{root}/texts/inner/4.txt"), "three four")?;
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut pending = vec![format!("{root}/texts")];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                pending.push(entry.path().to_string_lossy().into_owned());
                continue;
            }
            for line in io::BufReader::new(fs::File::open(entry.path())?).lines() {
                for word in line?.split_whitespace() {
                    *counts.entry(word.to_string()).or_default() += 1;
                }
            }
        }
    }
    let mut sorted: Vec<_> = counts.into_iter().collect();
    sorted.sort();
    for (word, count) in sorted {
        println!("{word} {count}");
    }
    let mut file = fs::OpenOptions::new().read(true).write(true).open(format!("{root}/texts/0.txt"))?;
    file.seek(SeekFrom::Start(4))?;
    file.write_all(b"TWO")?;
    file.seek(SeekFrom::Start(0))?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    print!("{text}");
    assert!(fs::metadata(format!("{root}/texts/0.txt"))?.modified()? > time::UNIX_EPOCH);
    fs::remove_dir_all(format!("{root}/texts"))?;
    assert!(fs::metadata(format!("{root}/texts")).is_err());
    assert!(started.elapsed() < time::Duration::from_secs(60));
    assert!(fs::File::open("/etc/passwd").is_err());
    eprintln!("{}", env::var("GREETING").unwrap_or_default());
    process::exit(arguments.len() as i32)
}

;; Not valid, to show what an error looks like: tarn validate samples/broken.wat
(module
  (func $half (export "half") (param $n i64) (result i32)
    (i32.div_s (local.get $n) (i32.const 2))))

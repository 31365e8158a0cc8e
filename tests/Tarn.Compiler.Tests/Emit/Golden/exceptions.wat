;; Handlers behind the code that is thrown in
(module
  (import "e" "host" (func $host (param i32) (result i32)))
  (tag $a (param i32))
  (func $f (param i32) (result i32) (local.get 0))
  (func $loop (param i32) (result i32) (local $sum i32)
    (block $caught (result i32)
      (try_table (catch $a $caught)
        (loop $again
          (local.set $sum (i32.add (local.get $sum) (call $f (local.get 0))))
          (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (return (local.get $sum)))
      (unreachable))
    (i32.add (local.get $sum)))
  (func $outside (param i32) (result i32)
    (block $all
      (try_table (catch_all $all) (return (call $host (local.get 0)))))
    (i32.const -1))
  (func $throws (param i32) (throw $a (local.get 0))))

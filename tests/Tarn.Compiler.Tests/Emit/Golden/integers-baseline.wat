;; baseline
(module
  (func (param i32) (result i32) (i32.div_u (local.get 0) (i32.const 10)))
  (func (param i32) (result i32) (i32.rem_s (local.get 0) (i32.const 8)))
  (func (param i64 i64) (result i64) (i64.div_s (local.get 0) (local.get 1)))
  (func (param i32 i32) (result i32) (i32.shl (local.get 0) (i32.and (local.get 1) (i32.const 31))))
  (func (param i64) (result i64) (i64.rotl (local.get 0) (i64.const 13)))
  (func (param i32) (result i32) (i32.add (i32.clz (local.get 0)) (i32.popcnt (local.get 0))))
  (func (param i32 i32) (result i32) (i32.and (local.get 0) (i32.xor (local.get 1) (i32.const -1)))))

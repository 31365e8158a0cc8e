;; Empty blocks are passed by, branches that only trap become conditional traps, decided branches go.
(module
  (func (param i32 i32) (result i32)
    (if (local.get 0) (then (unreachable)))
    (if (i32.eqz (local.get 1)) (then (unreachable)))
    (block (br_if 0 (i32.gt_s (local.get 0) (i32.const 5))))
    (if (local.get 0) (then (return (i32.const 1))))
    (i32.div_u (i32.const 100) (local.get 1)))
  (func (param i32) (result i32)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 10))
      (then
        (if (result i32) (i32.ge_s (local.get 0) (i32.const 10)) (then (i32.const 1)) (else (i32.const 2))))
      (else (i32.const 3)))))

// 16-byte vectors for WebAssembly and x86-64 from one source: the compiler's vector types, and the operations that they lack by each side's intrinsics.
// clang chooses the native instructions itself where the operation is written in C, as it does for WebAssembly.
#include "../../programs/src/bench.h"
typedef int8_t i8x16 __attribute__((vector_size(16)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef int16_t i16x8 __attribute__((vector_size(16)));
typedef uint16_t u16x8 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef uint32_t u32x4 __attribute__((vector_size(16)));
typedef int64_t i64x2 __attribute__((vector_size(16)));
typedef uint64_t u64x2 __attribute__((vector_size(16)));
typedef float f32x4 __attribute__((vector_size(16)));
typedef double f64x2 __attribute__((vector_size(16)));
#define LOAD(T, p) ({ T value_; __builtin_memcpy(&value_, (p), 16); value_; })
#define STORE(p, v) ({ __typeof__(v) value_ = (v); __builtin_memcpy((p), &value_, 16); })
#define SPLAT8(x) ((u8x16){(x), (x), (x), (x), (x), (x), (x), (x), (x), (x), (x), (x), (x), (x), (x), (x)})
#define SPLAT16(x) ((i16x8){(x), (x), (x), (x), (x), (x), (x), (x)})
#define SPLAT32(x) ((u32x4){(x), (x), (x), (x)})
#define SPLATF(x) ((f32x4){(x), (x), (x), (x)})
#define SPLATD(x) ((f64x2){(x), (x)})
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#define SELECT(mask, a, b) ((__typeof__(a))(((u8x16)(mask) & (u8x16)(a)) | (~(u8x16)(mask) & (u8x16)(b))))
#ifdef __wasm__
#include <wasm_simd128.h>
static inline u8x16 swizzle(u8x16 a, u8x16 b) { return (u8x16)wasm_i8x16_swizzle((v128_t)a, (v128_t)b); }
static inline uint32_t bitmask8(u8x16 a) { return wasm_i8x16_bitmask((v128_t)a); }
static inline int any8(u8x16 a) { return wasm_v128_any_true((v128_t)a); }
static inline i32x4 dot16(i16x8 a, i16x8 b) { return (i32x4)wasm_i32x4_dot_i16x8((v128_t)a, (v128_t)b); }
static inline u8x16 narrow16u(i16x8 a, i16x8 b) { return (u8x16)wasm_u8x16_narrow_i16x8((v128_t)a, (v128_t)b); }
static inline i16x8 narrow32(i32x4 a, i32x4 b) { return (i16x8)wasm_i16x8_narrow_i32x4((v128_t)a, (v128_t)b); }
static inline u8x16 add_sat8(u8x16 a, u8x16 b) { return (u8x16)wasm_u8x16_add_sat((v128_t)a, (v128_t)b); }
static inline u8x16 sub_sat8(u8x16 a, u8x16 b) { return (u8x16)wasm_u8x16_sub_sat((v128_t)a, (v128_t)b); }
static inline u8x16 min8(u8x16 a, u8x16 b) { return (u8x16)wasm_u8x16_min((v128_t)a, (v128_t)b); }
static inline u8x16 max8(u8x16 a, u8x16 b) { return (u8x16)wasm_u8x16_max((v128_t)a, (v128_t)b); }
static inline u8x16 avg8(u8x16 a, u8x16 b) { return (u8x16)wasm_u8x16_avgr((v128_t)a, (v128_t)b); }
static inline i32x4 min32(i32x4 a, i32x4 b) { return (i32x4)wasm_i32x4_min((v128_t)a, (v128_t)b); }
static inline i32x4 max32(i32x4 a, i32x4 b) { return (i32x4)wasm_i32x4_max((v128_t)a, (v128_t)b); }
static inline f32x4 sqrtf4(f32x4 a) { return (f32x4)wasm_f32x4_sqrt((v128_t)a); }
static inline u64x2 mul_even32(u64x2 a, u64x2 b) {
  v128_t mask = wasm_i64x2_splat(0xFFFFFFFF);
  return (u64x2)wasm_i64x2_mul(wasm_v128_and((v128_t)a, mask), wasm_v128_and((v128_t)b, mask));
}
static inline i16x8 widen_low8(u8x16 a) { return (i16x8)wasm_u16x8_extend_low_u8x16((v128_t)a); }
static inline i16x8 widen_high8(u8x16 a) { return (i16x8)wasm_u16x8_extend_high_u8x16((v128_t)a); }
#else
#include <immintrin.h>
static inline u8x16 swizzle(u8x16 a, u8x16 b) { return (u8x16)_mm_shuffle_epi8((__m128i)a, _mm_adds_epu8((__m128i)b, _mm_set1_epi8(0x70))); }
static inline uint32_t bitmask8(u8x16 a) { return (uint32_t)_mm_movemask_epi8((__m128i)a); }
static inline int any8(u8x16 a) { return !_mm_testz_si128((__m128i)a, (__m128i)a); }
static inline i32x4 dot16(i16x8 a, i16x8 b) { return (i32x4)_mm_madd_epi16((__m128i)a, (__m128i)b); }
static inline u8x16 narrow16u(i16x8 a, i16x8 b) { return (u8x16)_mm_packus_epi16((__m128i)a, (__m128i)b); }
static inline i16x8 narrow32(i32x4 a, i32x4 b) { return (i16x8)_mm_packs_epi32((__m128i)a, (__m128i)b); }
static inline u8x16 add_sat8(u8x16 a, u8x16 b) { return (u8x16)_mm_adds_epu8((__m128i)a, (__m128i)b); }
static inline u8x16 sub_sat8(u8x16 a, u8x16 b) { return (u8x16)_mm_subs_epu8((__m128i)a, (__m128i)b); }
static inline u8x16 min8(u8x16 a, u8x16 b) { return (u8x16)_mm_min_epu8((__m128i)a, (__m128i)b); }
static inline u8x16 max8(u8x16 a, u8x16 b) { return (u8x16)_mm_max_epu8((__m128i)a, (__m128i)b); }
static inline u8x16 avg8(u8x16 a, u8x16 b) { return (u8x16)_mm_avg_epu8((__m128i)a, (__m128i)b); }
static inline i32x4 min32(i32x4 a, i32x4 b) { return (i32x4)_mm_min_epi32((__m128i)a, (__m128i)b); }
static inline i32x4 max32(i32x4 a, i32x4 b) { return (i32x4)_mm_max_epi32((__m128i)a, (__m128i)b); }
static inline f32x4 sqrtf4(f32x4 a) { return (f32x4)_mm_sqrt_ps((__m128)a); }
static inline u64x2 mul_even32(u64x2 a, u64x2 b) { return (u64x2)_mm_mul_epu32((__m128i)a, (__m128i)b); }
static inline i16x8 widen_low8(u8x16 a) { return (i16x8)_mm_cvtepu8_epi16((__m128i)a); }
static inline i16x8 widen_high8(u8x16 a) { return (i16x8)_mm_unpackhi_epi8((__m128i)a, _mm_setzero_si128()); }
#endif
// A checksum of a buffer, the same for every engine.
__attribute__((unused)) NOINLINE static uint64_t digest(const void *data, uint32_t bytes) {
  const uint8_t *p = data;
  uint64_t h = 0xcbf29ce484222325u;
  for (uint32_t i = 0; i + 8 <= bytes; i += 8) {
    uint64_t v;
    __builtin_memcpy(&v, p + i, 8);
    h = (h ^ v) * 0x9E3779B97F4A7C15u;
    h ^= h >> 29;
  }
  return h;
}

// A byte-code interpreter with one dense switch: the br_table test.
#include "bench.h"
enum { PUSH, ADD, SUB, MUL, DUP, SWAP, POP, LOAD, STORE, JNZ, JMP, LT, AND, OR, XOR, SHL, SHR, INC, DEC, NEG, NOT, OVER, ROT, HALT };
NOINLINE static uint32_t execute(const uint8_t *code, uint32_t *vars) {
  uint32_t stack[64], *sp = stack;
  const uint8_t *pc = code;
  for (;;) {
    switch (*pc++) {
      case PUSH: *sp++ = *pc++; break;
      case ADD: sp--; sp[-1] += *sp; break;
      case SUB: sp--; sp[-1] -= *sp; break;
      case MUL: sp--; sp[-1] *= *sp; break;
      case DUP: *sp = sp[-1]; sp++; break;
      case SWAP: { uint32_t t = sp[-1]; sp[-1] = sp[-2]; sp[-2] = t; break; }
      case POP: sp--; break;
      case LOAD: *sp++ = vars[*pc++]; break;
      case STORE: vars[*pc++] = *--sp; break;
      case JNZ: { int8_t d = (int8_t)*pc++; if (*--sp) pc += d; break; }
      case JMP: { int8_t d = (int8_t)*pc++; pc += d; break; }
      case LT: sp--; sp[-1] = sp[-1] < *sp; break;
      case AND: sp--; sp[-1] &= *sp; break;
      case OR: sp--; sp[-1] |= *sp; break;
      case XOR: sp--; sp[-1] ^= *sp; break;
      case SHL: sp--; sp[-1] <<= *sp & 31; break;
      case SHR: sp--; sp[-1] >>= *sp & 31; break;
      case INC: sp[-1]++; break;
      case DEC: sp[-1]--; break;
      case NEG: sp[-1] = 0 - sp[-1]; break;
      case NOT: sp[-1] = ~sp[-1]; break;
      case OVER: *sp = sp[-2]; sp++; break;
      case ROT: { uint32_t t = sp[-3]; sp[-3] = sp[-2]; sp[-2] = sp[-1]; sp[-1] = t; break; }
      case HALT: return vars[0];
      default: return 0xdead;
    }
  }
}
EXPORT uint64_t run(uint32_t n) {
  static uint8_t code[] = {
      LOAD, 1, PUSH, 3, MUL, PUSH, 7, ADD, DUP, STORE, 1, PUSH, 5, SHR, LOAD, 0, XOR, STORE, 0,
      LOAD, 0, LOAD, 1, OVER, ADD, ROT, POP, SWAP, SUB, NOT, STORE, 3, LOAD, 3, LOAD, 0, ADD, STORE, 0,
      LOAD, 2, DEC, DUP, STORE, 2, JNZ, (uint8_t)-47, HALT};
  uint64_t sum = 0;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t vars[4] = {i, i * 7, 1000, 0};
    sum += execute(code, vars);
  }
  return sum;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "run/redirect.h"

#include <Zydis/Zydis.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "arch/arch.h"
#include "arch/ssa.h"
#include "run/run.h"

#define RFLAGS_ZF UINT64_C(0x40)
#define RFLAGS_DF UINT64_C(0x400)

#define INT3         0xcc
#define PREFIX_REPNE 0xf2
#define PREFIX_REPE  0xf3

/* A page for the stub and one for elements below the first; XSAVE images are the largest operands.
 */
#define ONES_AT    (2 * SGX_PAGE_SIZE)
#define ONES_PAGES 5
#define ALL_SIZE   (ONES_AT + ONES_PAGES * SGX_PAGE_SIZE)

struct stub {
    uint8_t *code; /* ALL_SIZE bytes: the stub, then the scratch; NULL: none yet */
    bool in_use;   /* the rest is valid */
    uint64_t at;   /* of the instruction itself */
    uint64_t next; /* behind it */
    uint64_t end;  /* behind its copy, where the INT3 stands */
    uint64_t mask; /* signals blocked before */
    bool string;
    uint64_t rsi, rdi; /* what was added to them */
    uint64_t held;     /* what was taken from RCX */
    bool repe, repne;
};

static __thread struct stub mine;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_exit;

static void release(void *code)
{
    mine.code = NULL;
    munmap(code, ALL_SIZE);
}

static void make_key(void)
{
    pthread_key_create(&at_exit, release);
}

static bool prepare(struct stub *stub)
{
    if (!stub->code) {
        uint8_t *code =
            mmap(NULL, ALL_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (code == MAP_FAILED)
            return false;
        if (mprotect(code, SGX_PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC) < 0) {
            munmap(code, ALL_SIZE);
            return false;
        }
        pthread_once(&once, make_key);
        pthread_setspecific(at_exit, code);
        stub->code = code;
    }
    memset(stub->code + SGX_PAGE_SIZE, 0xff, ALL_SIZE - SGX_PAGE_SIZE);
    return true;
}

/* The scratch has the page's offsets, so that an operand is as aligned there as it was. */
static uint64_t in_scratch(const struct stub *stub, uint64_t address)
{
    return (uint64_t)(uintptr_t)stub->code + ONES_AT + (address & (SGX_PAGE_SIZE - 1));
}

/* ------------------------------------------------------------------ an operand in ModRM */

static const ZydisDecodedOperand *find_modrm(const ZydisDecodedInstruction *insn,
                                             const ZydisDecodedOperand *op)
{
    for (unsigned i = 0; i < insn->operand_count; i++)
        if (op[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
            op[i].encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM &&
            op[i].mem.type == ZYDIS_MEMOP_TYPE_MEM)
            return &op[i];
    return NULL;
}

static bool uses_stack(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op)
{
    for (unsigned i = 0; i < insn->operand_count; i++)
        if (op[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
            op[i].visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
            op[i].mem.base == ZYDIS_REGISTER_RSP)
            return true;
    return false;
}

static uint64_t reg_value(const ucontext_t *uc, ZydisRegister reg)
{
    const ZyanI8 id = ZydisRegisterGetId(reg);

    return ZydisRegisterGetClass(reg) == ZYDIS_REGCLASS_GPR64 && id >= 0 && id < 16
               ? (uint64_t)uc->uc_mcontext.gregs[context_encoding[id]]
               : 0;
}

/*
 * An address with the operand's offset in its page. CR2 is the byte that was refused, which need
 * not be the first; but where a segment has a base, it is all there is to go by.
 */
static uint64_t operand_offset(const ucontext_t *uc, const ZydisDecodedInstruction *insn,
                               const ZydisDecodedOperand *op)
{
    const uint64_t rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP] + insn->length;
    const uint64_t base = op->mem.base == ZYDIS_REGISTER_RIP ? rip : reg_value(uc, op->mem.base);

    if (insn->attributes & (ZYDIS_ATTRIB_HAS_SEGMENT_FS | ZYDIS_ATTRIB_HAS_SEGMENT_GS) ||
        insn->address_width != 64)
        return (uint64_t)uc->uc_mcontext.gregs[REG_CR2];
    return base + reg_value(uc, op->mem.index) * op->mem.scale + (uint64_t)op->mem.disp.value;
}

/* Prefixes that say where an operand is, which is decided here. */
static bool is_dropped(uint8_t prefix)
{
    return prefix == 0x64 || prefix == 0x65 || prefix == 0x67;
}

static bool is_legacy_prefix(uint8_t byte)
{
    return is_dropped(byte) || byte == 0x66 || byte == 0xf0 || byte == PREFIX_REPNE ||
           byte == PREFIX_REPE || byte == 0x26 || byte == 0x2e || byte == 0x36 || byte == 0x3e;
}

/* The instruction with [RIP + displacement] for whatever its operand was. */
static void copy_modrm(struct stub *stub, const ZydisDecodedInstruction *insn, const uint8_t *code,
                       uint64_t address)
{
    const unsigned modrm = insn->raw.modrm.offset;
    const unsigned rest =
        modrm + 1u + (insn->attributes & ZYDIS_ATTRIB_HAS_SIB ? 1u : 0u) + insn->raw.disp.size / 8u;
    uint8_t *to = stub->code, *displacement;
    unsigned i = 0;
    int32_t distance;

    for (; i < modrm && is_legacy_prefix(code[i]); i++)
        if (!is_dropped(code[i]))
            *to++ = code[i];
    for (; i < modrm; i++)
        *to++ = code[i];
    *to++ = (uint8_t)((code[modrm] & 0x38) | 0x05);
    displacement = to;
    to += sizeof distance;
    memcpy(to, code + rest, insn->length - rest);
    to += insn->length - rest;
    distance = (int32_t)(in_scratch(stub, address) - (uint64_t)(uintptr_t)to);
    memcpy(displacement, &distance, sizeof distance);
    stub->end = (uint64_t)(uintptr_t)to;
}

/* ------------------------------------------------------------------ an operand in RSI or RDI */

static bool is_string(const ZydisDecodedInstruction *insn)
{
    return insn->meta.category == ZYDIS_CATEGORY_STRINGOP;
}

/* Elements from address on, in the direction of the flag, that begin in its page. */
static uint64_t elements(uint64_t address, uint64_t size, bool down)
{
    const uint64_t offset = address & (SGX_PAGE_SIZE - 1);

    return down ? offset / size + 1 : (SGX_PAGE_SIZE - offset + size - 1) / size;
}

/* The last of REP's prefixes, or 0. Those that compare obey it; the others only repeat. */
static uint8_t repeats(const uint8_t *code)
{
    uint8_t last = 0;

    for (; is_legacy_prefix(*code); code++)
        if (*code == PREFIX_REPNE || *code == PREFIX_REPE)
            last = *code;
    return last;
}

static bool compares(const ZydisDecodedInstruction *insn)
{
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_CMPSB:
    case ZYDIS_MNEMONIC_CMPSW:
    case ZYDIS_MNEMONIC_CMPSD:
    case ZYDIS_MNEMONIC_CMPSQ:
    case ZYDIS_MNEMONIC_SCASB:
    case ZYDIS_MNEMONIC_SCASW:
    case ZYDIS_MNEMONIC_SCASD:
    case ZYDIS_MNEMONIC_SCASQ:
        return true;
    default:
        return false;
    }
}

/* Shift whichever of RSI and RDI is hidden. How many elements may be done so; 0: neither is. */
static uint64_t shift(struct stub *stub, ucontext_t *uc, const ZydisDecodedInstruction *insn,
                      const ZydisDecodedOperand *op, hidden_fn *hidden)
{
    greg_t *gregs = uc->uc_mcontext.gregs;
    const bool down = (uint64_t)gregs[REG_EFL] & RFLAGS_DF;
    uint64_t most = 0;

    stub->rsi = stub->rdi = 0;
    for (unsigned i = 0; i < insn->operand_count; i++) {
        bool source;
        uint64_t address, count;

        if (op[i].type != ZYDIS_OPERAND_TYPE_MEMORY)
            continue;
        source = op[i].mem.base == ZYDIS_REGISTER_RSI;
        address = (uint64_t)gregs[source ? REG_RSI : REG_RDI];
        if (!hidden(address, op[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
            continue;
        *(source ? &stub->rsi : &stub->rdi) = in_scratch(stub, address) - address;
        count = elements(address, op[i].size / 8u, down);
        most = most && most < count ? most : count;
    }
    gregs[REG_RSI] += (greg_t)stub->rsi;
    gregs[REG_RDI] += (greg_t)stub->rdi;
    return most;
}

static bool copy_string(struct stub *stub, ucontext_t *uc, const ZydisDecodedInstruction *insn,
                        const ZydisDecodedOperand *op, const uint8_t *code, hidden_fn *hidden)
{
    const uint8_t prefix = repeats(code);
    greg_t *rcx = &uc->uc_mcontext.gregs[REG_RCX];
    uint64_t most;

    if (insn->address_width != 64 || insn->attributes & ZYDIS_ATTRIB_HAS_SEGMENT)
        return false;
    most = shift(stub, uc, insn, op, hidden);
    if (!most)
        return false;
    stub->held = prefix && (uint64_t)*rcx > most ? (uint64_t)*rcx - most : 0;
    *rcx -= (greg_t)stub->held;
    stub->string = true;
    stub->repe = prefix == PREFIX_REPE && compares(insn);
    stub->repne = prefix == PREFIX_REPNE && compares(insn);
    memcpy(stub->code, code, insn->length);
    stub->end = (uint64_t)(uintptr_t)stub->code + insn->length;
    return true;
}

/* The chunk is done. Is the instruction? */
static bool string_complete(const struct stub *stub, const ucontext_t *uc)
{
    const bool zf = (uint64_t)uc->uc_mcontext.gregs[REG_EFL] & RFLAGS_ZF;

    return !stub->held || (stub->repe && !zf) || (stub->repne && zf);
}

/* ------------------------------------------------------------------ there and back */

static bool copy(struct stub *stub, ucontext_t *uc, const uint8_t *code, size_t size,
                 hidden_fn *hidden, unsigned *ret_length)
{
    const uint64_t sp = (uint64_t)uc->uc_mcontext.gregs[REG_RSP];
    ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
    const ZydisDecodedOperand *operand;
    ZydisDecodedInstruction insn;
    ZydisDecoder decoder;

    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, size, &insn, op)) || !prepare(stub))
        return false;
    *ret_length = insn.length;
    stub->string = false;
    if (is_string(&insn))
        return copy_string(stub, uc, &insn, op, code, hidden);
    operand = find_modrm(&insn, op);
    if (!operand || insn.meta.branch_type == ZYDIS_BRANCH_TYPE_NEAR ||
        insn.meta.category == ZYDIS_CATEGORY_AMX_TILE ||
        (uses_stack(&insn, op) && (hidden(sp, true) || hidden(sp - sizeof sp, true))))
        return false;
    copy_modrm(stub, &insn, code, operand_offset(uc, &insn, operand));
    return true;
}

bool redirect_begin(ucontext_t *uc, const uint8_t *code, size_t size, hidden_fn *hidden)
{
    const uint64_t quiet = ~SIGNALS_OURS;
    struct stub *stub = &mine;
    unsigned length;

    if (!copy(stub, uc, code, size, hidden, &length))
        return false;
    *(uint8_t *)(uintptr_t)stub->end = INT3;
    stub->at = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
    stub->next = stub->at + length;
    memcpy(&stub->mask, &uc->uc_sigmask, sizeof stub->mask);
    memcpy(&uc->uc_sigmask, &quiet, sizeof quiet);
    stub->in_use = true;
    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)stub->code;
    return true;
}

bool redirect_end(int sig, ucontext_t *uc)
{
    greg_t *gregs = uc->uc_mcontext.gregs;
    const uint64_t rip = (uint64_t)gregs[REG_RIP];
    struct stub *stub = &mine;
    bool done;

    if (!stub->in_use || rip < (uint64_t)(uintptr_t)stub->code || rip > stub->end + 1)
        return false;
    done = rip >= stub->end;
    if (stub->string) {
        done = done && string_complete(stub, uc);
        gregs[REG_RSI] -= (greg_t)stub->rsi;
        gregs[REG_RDI] -= (greg_t)stub->rdi;
        gregs[REG_RCX] += (greg_t)stub->held;
    }
    gregs[REG_RIP] = (greg_t)(done ? stub->next : stub->at);
    memcpy(&uc->uc_sigmask, &stub->mask, sizeof stub->mask);
    stub->in_use = false;
    return sig == SIGTRAP && gregs[REG_TRAPNO] == SGX_VECTOR_BP && rip == stub->end + 1;
}

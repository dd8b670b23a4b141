/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random programs over random packets: interpreter, compiled code and libpcap must agree. Every
 * packet ends where memory ends, so a read beyond it does not go unnoticed.
 */
#include <criterion/criterion.h>
#include <pcap/pcap.h>
#include <stdbool.h>

#include "enclave/check.h"
#include "enclave/interpret.h"
#include "native.h"
#include "random.h"
#include "shared/opcodes.h"

#define PROGRAMS    50000
#define PACKETS     6
#define PACKET_SIZE 96

static struct filter_insn insns[FILTER_INSNS_MAX];

/* What the runs amounted to, so that a test of nothing does not pass. */
struct tally {
    uint32_t programs;
    uint32_t runs;
    uint32_t nonzero;  /* verdicts */
    uint32_t compared; /* programs that libpcap could run too */
};

/*
 * Reads some cell that no path has surely written. We define it as 0; libpcap up to 1.10 leaves
 * the cell uninitialised, so its verdict says nothing.
 */
static bool reads_unwritten(uint32_t count)
{
    static uint32_t written[FILTER_INSNS_MAX + 1];

    for (uint32_t i = 0; i <= count; i++)
        written[i] = i == 0 ? 0 : 0xffff;
    for (uint32_t i = 0; i < count; i++) {
        const struct filter_insn *insn = &insns[i];
        uint32_t after = written[i];

        if ((insn->code == OP_LD_MEM || insn->code == OP_LDX_MEM) && !(after >> insn->k & 1))
            return true;
        if (insn->code == OP_ST || insn->code == OP_STX)
            after |= 1u << insn->k;
        if (insn->code == OP_JA) {
            written[i + 1 + insn->k] &= after;
        } else if ((insn->code & 7) == OP_JA) {
            written[i + 1 + insn->jt] &= after;
            written[i + 1 + insn->jf] &= after;
        } else {
            written[i + 1] &= after;
        }
    }
    return false;
}

static void compare(struct random *random, uint32_t count, struct tally *tally)
{
    const bool libpcap_too = !reads_unwritten(count);

    native_load(insns, count);
    tally->programs++;
    tally->compared += libpcap_too;
    for (unsigned i = 0; i < PACKETS; i++) {
        uint8_t bytes[PACKET_SIZE];
        const uint32_t caplen = i == 0 ? PACKET_SIZE : random_below(random, PACKET_SIZE + 1);
        const uint32_t len = caplen + random_below(random, 100);
        uint32_t verdict;
        const uint8_t *at;

        random_bytes(random, bytes, caplen);
        at = native_place(bytes, caplen);
        verdict = filter_interpret(insns, at, caplen, len);
        cr_assert(native_run(at, caplen, len) == verdict, "program %u", tally->programs);
        if (libpcap_too)
            cr_assert(bpf_filter((const struct bpf_insn *)insns, at, len, caplen) == verdict,
                      "program %u", tally->programs);
        tally->runs++;
        tally->nonzero += verdict != 0;
    }
}

static uint32_t random_length(struct random *random)
{
    if (random_below(random, 200) == 0)
        return 1 + random_below(random, FILTER_INSNS_MAX);
    return 1 + random_below(random, 40);
}

Test(random, engines_and_libpcap_agree_on_valid_programs)
{
    struct random random = {.state = 1};
    struct tally tally = {0};
    static uint32_t used[0x100];

    for (unsigned i = 0; i < PROGRAMS; i++) {
        const uint32_t count = random_length(&random);
        uint32_t index;

        random_program(&random, insns, count);
        cr_assert(filter_check(insns, count, &index) == FILTER_OK, "program %u, at %u", i, index);
        cr_assert(bpf_validate((const struct bpf_insn *)insns, (int)count));
        compare(&random, count, &tally);
        for (uint32_t j = 0; j < count; j++)
            used[insns[j].code]++;
    }
    cr_expect(tally.nonzero > tally.runs / 4, "%u of %u", tally.nonzero, tally.runs);
    cr_expect(tally.compared > tally.programs / 4, "%u of %u", tally.compared, tally.programs);
#define USED(name, value) cr_expect(used[value] > 1000, #name " in %u places", used[value]);
    FILTER_OPCODES(USED)
#undef USED
}

/* What both of us look at must be judged alike. libpcap knows more loops and odd opcodes. */
static bool libpcap_refuses_it_too(enum filter_reason reason)
{
    return reason == FILTER_JUMP_RANGE || reason == FILTER_DIVIDE_BY_ZERO ||
           reason == FILTER_SCRATCH_RANGE || reason == FILTER_NO_RETURN;
}

Test(random, damaged_programs_are_refused_or_agreed_on)
{
    struct random random = {.state = 2};
    struct tally tally = {0};
    uint32_t refused[FILTER_REASONS] = {0};

    for (unsigned i = 0; i < PROGRAMS; i++) {
        const uint32_t count = 2 + random_below(&random, 30);
        enum filter_reason reason;
        uint32_t index;
        bool valid;

        random_program(&random, insns, count);
        random_damage(&random, insns, count);
        reason = filter_check(insns, count, &index);
        valid = bpf_validate((const struct bpf_insn *)insns, (int)count);
        refused[reason]++;
        cr_expect(reason != FILTER_OK || valid, "program %u", i);
        cr_expect(!valid || !libpcap_refuses_it_too(reason), "program %u, at %u", i, index);
        if (reason == FILTER_OK)
            compare(&random, count, &tally);
    }
    cr_expect(tally.programs > PROGRAMS / 10);
    for (unsigned reason = FILTER_BAD_OPCODE; reason <= FILTER_NO_RETURN; reason++)
        cr_expect(refused[reason] > 0, "reason %u", reason);
}

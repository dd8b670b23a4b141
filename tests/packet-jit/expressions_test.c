/* SPDX-License-Identifier: Apache-2.0 */
#include "host/expressions.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>

#include "enclave/check.h"
#include "enclave/interpret.h"
#include "host/capture.h"
#include "host/program.h"
#include "native.h"

/* Verdicts of all engines on one packet, cut to caplen bytes. */
static bool agree(const struct program *program, const uint8_t *bytes, uint32_t caplen,
                  uint32_t len)
{
    const struct filter_packet p = {0, caplen, len};
    const uint8_t *at = native_place(bytes, caplen);
    const uint32_t truth = program_verdict(program, at, &p);

    return native_run(at, caplen, len) == truth &&
           filter_interpret(program->insns, at, caplen, len) == truth;
}

/* Wherever a filter might look: every length up to 100, then a few. */
static bool agree_at_all_lengths(const struct program *program, const uint8_t *bytes,
                                 const struct filter_packet *p)
{
    for (uint32_t caplen = 0; caplen < p->caplen; caplen += caplen < 100 ? 1 : 97)
        if (!agree(program, bytes, caplen, p->len))
            return false;
    return agree(program, bytes, p->caplen, p->len);
}

static void load(const char *expression, struct program *program)
{
    char error[PROGRAM_ERROR_SIZE];
    uint32_t index;

    cr_assert(program_compile(expression, program, error) == 0, "%s", error);
    cr_assert(filter_check(program->insns, program->count, &index) == FILTER_OK, "%s", expression);
    native_load(program->insns, program->count);
}

static struct capture read_sample(void)
{
    char error[CAPTURE_ERROR_SIZE];
    struct capture capture;

    cr_assert(capture_read(SAMPLE_CAPTURE, &capture, error) == 0, "%s", error);
    return capture;
}

Test(expressions, every_one_agrees_with_libpcap_on_every_packet_of_the_capture_at_every_length)
{
    struct capture capture = read_sample();

    cr_assert(EXPRESSIONS >= 34);
    for (unsigned i = 0; i < EXPRESSIONS; i++) {
        struct program program;

        load(expressions[i], &program);
        for (uint32_t b = 0; b < capture.batch_count; b++) {
            const struct batch *batch = capture.batches[b];

            for (uint32_t j = 0; j < batch->packet_count; j++) {
                const struct filter_packet *p = &batch->packets[j];

                cr_assert(agree_at_all_lengths(&program, batch->data + p->offset, p),
                          "\"%s\", packet %u", expressions[i], j);
            }
        }
        program_free(&program);
    }
    capture_free(&capture);
}

/* An expression that nothing or everything matches would prove little. */
Test(expressions, every_one_but_the_first_matches_some_packets_and_not_others)
{
    struct capture capture = read_sample();

    for (unsigned i = 1; i < EXPRESSIONS; i++) {
        struct program program;
        uint32_t matches = 0;

        load(expressions[i], &program);
        for (uint32_t b = 0; b < capture.batch_count; b++) {
            const struct batch *batch = capture.batches[b];

            for (uint32_t j = 0; j < batch->packet_count; j++) {
                const struct filter_packet *p = &batch->packets[j];

                matches += native_run(batch->data + p->offset, p->caplen, p->len) != 0;
            }
        }
        cr_expect(matches > 0 && matches < capture.packet_count, "\"%s\": %u", expressions[i],
                  matches);
        program_free(&program);
    }
    capture_free(&capture);
}

Test(expressions, a_filter_of_many_hosts_needs_jumps_beyond_255_instructions_and_still_agrees)
{
    static char expression[16384];
    struct capture capture = read_sample();
    struct program program;
    size_t end = 0;

    for (unsigned i = 0; i < 300; i++)
        end += (size_t)snprintf(expression + end, sizeof expression - end, "%shost 10.%u.0.%u",
                                i ? " or " : "not (", i % 50, i % 7 + 1);
    snprintf(expression + end, sizeof expression - end, ")");
    load(expression, &program);
    cr_expect(program.count > 255);
    for (uint32_t b = 0; b < capture.batch_count; b++) {
        const struct batch *batch = capture.batches[b];

        for (uint32_t j = 0; j < batch->packet_count; j++) {
            const struct filter_packet *p = &batch->packets[j];

            cr_expect(agree(&program, batch->data + p->offset, p->caplen, p->len));
        }
    }
    program_free(&program);
    capture_free(&capture);
}

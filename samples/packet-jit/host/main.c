/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - packet-jit: tcpdump expressions compiled inside an enclave; see the usage in options.c
 */
#include <stdio.h>
#include <string.h>

#include "host/compare.h"
#include "host/invalid.h"
#include "host/options.h"
#include "host/reason.h"

static int complain(const char *what)
{
    fprintf(stderr, "packet-jit: %s\n", what);
    return 1;
}

/* An expression in quotes; the empty one is that of every packet. */
static void print_row(const char *expression, const struct comparison *c)
{
    printf("%-62.62s %5u %6u %7llu %7llu  %s\n", expression[0] ? expression : "(everything)",
           c->insns, c->code_size, (unsigned long long)c->matches, (unsigned long long)c->expected,
           comparison_agrees(c) ? "ok" : "WRONG");
}

static int show_expressions(struct ap_enclave *enclave, const struct options *o,
                            const struct capture *capture)
{
    char error[COMPARE_ERROR_SIZE];
    double jit = 0;
    double interpreter = 0;
    unsigned agreed = 0;

    if (!o->quiet)
        printf("%-62s %5s %6s %7s %7s  %s\n", "expression", "insns", "bytes", "matches", "libpcap",
               "ok");
    for (unsigned i = 0; i < o->expression_count; i++) {
        struct comparison c;

        if (compare_expression(enclave, capture, o->expressions[i], o->repeat, &c, error) < 0)
            return complain(error);
        agreed += comparison_agrees(&c);
        jit += c.jit_seconds;
        interpreter += c.interpreter_seconds;
        if (!o->quiet || !comparison_agrees(&c))
            print_row(o->expressions[i], &c);
    }
    printf("%u of %u expressions agree with libpcap on each of %u packets\n", agreed,
           o->expression_count, capture->packet_count);
    printf("interpreter / JIT: %.1f (%.1f ns / %.1f ns a packet)\n", interpreter / jit,
           interpreter * 1e9 / o->repeat / o->expression_count / capture->packet_count,
           jit * 1e9 / o->repeat / o->expression_count / capture->packet_count);
    return agreed == o->expression_count ? 0 : 1;
}

static int show_refusals(struct ap_enclave *enclave, const struct options *o)
{
    struct filter_insn insns[FILTER_INSNS_MAX + 1];
    unsigned right = 0;

    for (unsigned i = 0; i < invalid_program_count; i++) {
        const struct invalid_program *p = &invalid_programs[i];
        struct filter_load load;
        sgx_status_t status;
        bool as_expected;

        memset(insns, 0, sizeof insns);
        memcpy(insns, p->insns, sizeof p->insns);
        status = session_load(enclave, insns, p->count, &load);
        if (status != SGX_SUCCESS) {
            fprintf(stderr, "packet-jit: load: the ecall failed with %#x %s\n", (unsigned)status,
                    ap_enclave_crash(enclave));
            return 1;
        }
        as_expected = load.reason == p->reason && load.index == p->index;
        right += as_expected;
        if (!o->quiet || !as_expected)
            printf("%-28s instruction %u: %s%s\n", p->name, load.index, reason_text(load.reason),
                   as_expected ? "" : "  WRONG");
    }
    printf("%u of %u invalid programs refused for the right reason\n", right,
           invalid_program_count);
    return right == invalid_program_count ? 0 : 1;
}

static int run(const struct options *o, const struct capture *capture)
{
    struct ap_enclave *enclave;
    struct ap_error error;
    int r;

    if (ap_enclave_create(o->enclave, NULL, &enclave, &error) != SGX_SUCCESS)
        return complain(error.text);
    r = o->invalid ? show_refusals(enclave, o) : show_expressions(enclave, o, capture);
    ap_enclave_destroy(enclave);
    return r;
}

int main(int argc, char **argv)
{
    char error[CAPTURE_ERROR_SIZE];
    struct capture capture = {0};
    struct options o;
    int r = options_parse(argc, argv, &o);

    if (r != 0)
        return r < 0 ? 2 : 0;
    if (o.capture && capture_read(o.capture, &capture, error) < 0)
        return complain(error);
    r = run(&o, &capture);
    capture_free(&capture);
    return r;
}

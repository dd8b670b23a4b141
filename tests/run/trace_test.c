/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event in both forms.
 */
#include "trace.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "arch/leaf.h"
#include "arch/secinfo.h"
#include "arch/ssa.h"
#include "instrument/line.h"

static struct trace_line line;

static const char *text_of(struct trace_event event)
{
    line.used = 0;
    line.full = false;
    trace_as_text(&line, &event);
    line.buf[line.used] = '\0';
    return line.buf;
}

static const char *json_of(struct trace_event event)
{
    const struct trace_stamp stamp = {.time = 99, .pid = 1, .tid = 2};

    line.used = 0;
    line.full = false;
    trace_as_json(&line, &stamp, &event);
    line.buf[line.used] = '\0';
    return line.buf;
}

#define EVENT(kind_, name_, ...)                                                                   \
    ((struct trace_event){.kind = (kind_),                                                         \
                          .name = (name_),                                                         \
                          .enclave = 5,                                                            \
                          .fields = (const struct trace_field[]){__VA_ARGS__},                     \
                          .count = sizeof((const struct trace_field[]){__VA_ARGS__}) /             \
                                   sizeof(struct trace_field)})

/* The line without its head, which is the same for all. */
static void expect(struct trace_event event, const char *text, const char *json)
{
    static const char head[] = "{\"time\":99,\"pid\":1,\"tid\":2,\"enclave\":5,\"kind\":";

    cr_assert_str_eq(text_of(event), text);
    cr_assert_eq(strncmp(json_of(event), head, strlen(head)), 0, "%s", line.buf);
    cr_assert_str_eq(line.buf + strlen(head), json, "%s", line.buf);
}

#define PENDING (SGX_SECINFO_REG | SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_PENDING)

Test(trace, has_a_leaf_with_its_page_and_what_became_of_it)
{
    expect(EVENT(TRACE_ENCLU, "EACCEPT", trace_offset(0x41000), trace_flags_as("want %", PENDING),
                 trace_leaf_result(((struct outcome){.kind = LEAF_DONE}))),
           "ENCLU  EACCEPT      +0x41000 want REG rw- PENDING -> ok",
           "\"enclu\",\"name\":\"EACCEPT\",\"offset\":266240,\"secinfo\":{\"type\":\"REG\","
           "\"permissions\":\"rw-\",\"pending\":true,\"modified\":false,\"pr\":false},"
           "\"result\":{\"fault\":null,\"code\":0,\"name\":\"ok\"}}");
}

Test(trace, has_the_outcomes_of_a_leaf)
{
    static const struct {
        struct outcome outcome;
        const char *text, *json;
    } rows[] = {
        {{.kind = LEAF_DONE, .code = SGX_PAGE_ATTRIBUTES_MISMATCH},
         "ENCLS  EAUG         -> SGX_PAGE_ATTRIBUTES_MISMATCH",
         "{\"fault\":null,\"code\":19,\"name\":\"SGX_PAGE_ATTRIBUTES_MISMATCH\"}}"},
        {{.kind = LEAF_UD},
         "ENCLS  EAUG         -> #UD",
         "{\"fault\":\"#UD\",\"code\":0,\"name\":\"#UD\"}}"},
        {{.kind = LEAF_GP},
         "ENCLS  EAUG         -> #GP(0)",
         "{\"fault\":\"#GP\",\"code\":0,\"name\":\"#GP(0)\"}}"},
        {{.kind = LEAF_PF, .pfec = 0x8007, .addr = 4096},
         "ENCLS  EAUG         -> #PF(0x8007) at 0x1000",
         "{\"fault\":\"#PF\",\"code\":32775,\"name\":\"#PF(0x8007)\",\"address\":4096}}"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char json[256];

        snprintf(json, sizeof json, "\"encls\",\"name\":\"EAUG\",\"result\":%s", rows[i].json);
        expect(EVENT(TRACE_ENCLS, "EAUG", trace_leaf_result(rows[i].outcome)), rows[i].text, json);
    }
}

Test(trace, has_a_system_call_with_its_errno)
{
    expect(EVENT(TRACE_IOCTL, "ADD_PAGES", trace_offset(0), trace_pages(3),
                 trace_flag("measured", "measured", true), trace_system_result(-EINVAL)),
           "ioctl  ADD_PAGES    +0 3 pages measured -> -22",
           "\"ioctl\",\"name\":\"ADD_PAGES\",\"offset\":0,\"count\":3,\"measured\":true,"
           "\"result\":{\"fault\":null,\"code\":-22,\"name\":\"EINVAL\"}}");
    expect(EVENT(TRACE_MPROTECT, NULL, trace_hex("address", "%", 0x5000),
                 trace_hex("size", "+%", 0x2000), trace_prot(PROT_READ | PROT_EXEC),
                 trace_flag("measured", "measured", false), trace_system_result(0)),
           "mprot  0x5000 +0x2000 prot r-x -> 0",
           "\"mprotect\",\"address\":20480,\"size\":8192,\"prot\":\"r-x\",\"measured\":false,"
           "\"result\":{\"fault\":null,\"code\":0,\"name\":\"ok\"}}");
    /* 4095 is no errno, so it has no name. */
    cr_assert_not_null(
        strstr(json_of(EVENT(TRACE_MMAP, NULL, trace_system_result(-4095))), "\"name\":\"error\""));
}

Test(trace, has_a_page_fault_with_who_refused_it)
{
    expect(EVENT(TRACE_EXIT, "AEX", trace_string("cause", NULL, "page fault"),
                 trace_hex("error_code", "#PF(%)", 0x8007), trace_hex("offset", "+%:", 0xb7000),
                 trace_access(0x8007)),
           "exit   AEX          #PF(0x8007) +0xb7000: write, EPCM refuses",
           "\"exit\",\"name\":\"AEX\",\"cause\":\"page fault\",\"error_code\":32775,"
           "\"offset\":749568,\"access\":\"write\",\"refused_by\":\"EPCM\"}");
    cr_assert_not_null(strstr(json_of(EVENT(TRACE_FAULT, NULL, trace_access(SGX_PFEC_I))),
                              "\"access\":\"fetch\",\"refused_by\":\"not present\"}"));
    cr_assert_not_null(strstr(json_of(EVENT(TRACE_FAULT, NULL, trace_access(SGX_PFEC_P))),
                              "\"access\":\"read\",\"refused_by\":\"page table\"}"));
}

Test(trace, quotes_what_JSON_wants_quoted)
{
    static const struct {
        const char *is, *becomes;
    } rows[] = {
        {"/dev/sgx_enclave", "\"/dev/sgx_enclave\""},
        {"a\"b\\c", "\"a\\\"b\\\\c\""},
        {"\n\t\x01\x7f", "\"\\u000a\\u0009\\u0001\\u007f\""},
        {"gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\""},
        {"\xf0\x9f\x94\x92", "\"\xf0\x9f\x94\x92\""},
        {"\xff\xfe", "\"\\ufffd\\ufffd\""},            /* no UTF-8 */
        {"\xc0\xaf", "\"\\ufffd\\ufffd\""},            /* overlong */
        {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""}, /* a surrogate */
        {"\xe2\x82", "\"\\ufffd\\ufffd\""},            /* the end is missing */
        {"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        line.used = 0;
        line.full = false;
        json_string(&line, rows[i].is, 1024);
        line.buf[line.used] = '\0';
        cr_assert_str_eq(line.buf, rows[i].becomes, "row %zu: %s", i, line.buf);
    }
}

Test(trace, is_cut_so_that_it_stays_an_object)
{
    char path[8192];
    size_t size;

    memset(path, '\n', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    json_of(EVENT(TRACE_OPEN, NULL, trace_string("path", "%", path), trace_system_result(0)));
    cr_assert_lt(line.used, 1400, "one string has its share of the line: %zu", line.used);
    cr_assert_str_eq(line.buf + line.used - 2, "}}");

    size = strlen(json_of(EVENT(TRACE_OPEN, path, trace_string("a", "%", path),
                                trace_string("b", "%", path), trace_string("c", "%", path),
                                trace_string("d", "%", path), trace_number("e", "%", 1))));
    cr_assert_lt(size, TRACE_LINE);
    cr_assert_str_eq(line.buf + size - 18, ",\"truncated\":true}", "%s", line.buf + size - 40);
    cr_assert_null(strstr(line.buf, "\"d\""));

    cr_assert_lt(strlen(text_of(EVENT(TRACE_OPEN, NULL, trace_string("path", "%", path)))),
                 TRACE_LINE);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "driver/platform.h"

#define F "FUSES = 000102030405060708090a0b0c0d0e0f\n"
#define O "OWNEREPOCH=101112131415161718191A1B1C1D1E1F\n"
#define C "\t CPUSVN\t= \t20000000000000000000000000000002 \r\n"
#define K "REPORT_KEYID = 3000000000000000000000000000000000000000000000000000000000000003"

static bool parse(const char *text, size_t size, struct platform *ret, bool *ret_key_id,
                  struct platform_error *ret_error)
{
    *ret_error = (struct platform_error){.line = 0};
    return platform_parse(text, size, ret, ret_key_id, ret_error);
}

Test(platform_text, is_read_whatever_the_order_the_case_and_the_blanks)
{
    static const char text[] = "# a machine\n\n" C O "   # more\r\n" F K;
    struct platform p;
    struct platform_error error;
    bool key_id = false;

    memset(&p, 0xee, sizeof p);
    cr_assert(parse(text, sizeof text - 1, &p, &key_id, &error), "%s", error.text);
    cr_assert(key_id);
    for (unsigned i = 0; i < 16; i++) {
        cr_assert_eq(p.secret[i], i);
        cr_assert_eq(p.owner_epoch[i], 16 + i);
        cr_assert_eq(p.cpu_svn[i], i == 0 ? 0x20 : i == 15 ? 2 : 0);
    }
    cr_assert(p.report_key_id[0] == 0x30 && p.report_key_id[31] == 3);
    cr_assert(p.le_pubkey_hash[0] == 0 && p.le_pubkey_hash[31] == 0);
}

Test(platform_text, may_lack_the_key_id_and_nothing_else)
{
    struct platform p;
    struct platform_error error;
    bool key_id = true;

    cr_assert(parse(F O C, strlen(F O C), &p, &key_id, &error));
    cr_assert_not(key_id);
    cr_assert_eq(p.report_key_id[0], 0);
}

static const struct {
    const char *text;
    size_t line;
    const char *reason;
} bad[] = {
    {"", 0, "FUSES is missing"},
    {O C K, 0, "FUSES is missing"},
    {F C K, 0, "OWNEREPOCH is missing"},
    {F O K, 0, "CPUSVN is missing"},
    {F F O C, 2, "FUSES stands there twice"},
    {F O C K "\n" K, 5, "REPORT_KEYID stands there twice"},
    {"#\nFUSES\n", 2, "expected NAME = DIGITS"},
    {"FUSES = 00010203\n", 1, "expected 32 hexadecimal digits, and found 8 characters"},
    {"FUSES =\n", 1, "found 0 characters"},
    {"FUSES = 000102030405060708090a0b0c0d0e0g\n", 1, "something else among 32"},
    {"FUSES = 000102030405060708090a0b0c0d0e0f0\n", 1, "found 33"},
    {"FUSES = 00 0102030405060708090a0b0c0d0e0\n", 1, "something else"},
    {"FUSES = 0x0102030405060708090a0b0c0d0e0f\n", 1, "something else"},
    {"CPUSVN = 20000000000000000000000000000002 # new\n", 1, "CPUSVN: expected 32"},
    {F "\n fuses = 00\n", 3, "there is no 'fuses'"},
    {"= 00\n", 1, "there is no ''"},
    {"FUSESFUSESFUSESFUSESFUSESFUSES = 00", 1, "no 'FUSESFUSESFUSESFUSESFUS'"},
    {"FU\033[2J = 00\n", 1, "no 'FU?[2J'"},
    {"\xff\xfe\n", 1, "expected NAME = DIGITS"},
    {"REPORT_KEYID = 30\n", 1, "expected 64"},
};

Test(platform_text, that_is_malformed_is_refused_with_line_and_reason)
{
    struct platform p, before;
    struct platform_error error;
    bool key_id = true;

    memset(&p, 0x5a, sizeof p);
    before = p;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_expect_not(parse(bad[i].text, strlen(bad[i].text), &p, &key_id, &error), "row %zu", i);
        cr_expect_eq(error.line, bad[i].line, "row %zu: line %zu", i, error.line);
        cr_expect(strstr(error.text, bad[i].reason), "row %zu: %s", i, error.text);
        cr_expect(key_id && memcmp(&p, &before, sizeof p) == 0, "row %zu wrote", i);
    }
}

Test(platform_text, with_a_nul_in_it_is_refused)
{
    static const char text[] = "FUSES = 0001020304050607\0"
                               "8090a0b0c0d0e0f\n";
    struct platform p;
    struct platform_error error;
    bool key_id;

    cr_assert_not(parse(text, sizeof text - 1, &p, &key_id, &error));
    cr_assert_eq(error.line, 1);
}

Test(platform_text, that_was_written_reads_back)
{
    struct platform p, q;
    struct platform_error error;
    char text[PLATFORM_TEXT_MAX];
    bool key_id = true;

    cr_assert(platform_random(&p));
    platform_write(&p, text);
    cr_assert_lt(strlen(text), PLATFORM_TEXT_MAX);
    cr_assert(parse(text, strlen(text), &q, &key_id, &error), "%zu: %s", error.line, error.text);
    cr_assert_not(key_id);
    memset(p.report_key_id, 0, sizeof p.report_key_id);
    cr_assert_eq(memcmp(&p, &q, sizeof p), 0);
}

Test(platform_random, is_another_machine_each_time)
{
    struct platform p, q;

    cr_assert(platform_random(&p) && platform_random(&q));
    cr_assert_arr_neq(p.secret, q.secret, sizeof p.secret);
    cr_assert_arr_neq(p.owner_epoch, q.owner_epoch, sizeof p.owner_epoch);
    cr_assert_arr_neq(p.report_key_id, q.report_key_id, sizeof p.report_key_id);
}

/* SHA-512 of 32 zero bytes, which a seed's machine is made of: it must not change. */
Test(platform_random, of_a_seed_is_always_the_same)
{
    static const uint8_t seed[PLATFORM_SEED_SIZE];
    static const uint8_t start[] = {0x50, 0x46, 0xad, 0xc1, 0xdb, 0xa8, 0x38, 0x86};
    struct platform p;

    cr_assert(platform_of_seed(seed, &p));
    cr_assert_arr_eq(p.secret, start, sizeof start);
    cr_assert_eq(p.cpu_svn[0], 1);
}

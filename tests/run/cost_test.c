/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of published costs, and estimates from it.
 */
#include "instrument/cost.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch/leaf.h"

static struct cost_table table;
static struct cost_estimate estimate;
static struct cost_error error;

static int parse(const char *text)
{
    memset(&error, 0, sizeof error);
    return cost_parse(text, strlen(text), &table, &error);
}

static void must_parse(const char *text)
{
    cr_assert_eq(parse(text), 0, "line %u: %s", error.line, error.text);
}

#define TAIL "\tcycles\t2000\there\tverified\ta source\n"

/* ------------------------------------------------------------------ the file */

Test(cost, of_a_file_are_its_figures)
{
    must_parse("# a comment\n"
               "\n"
               "EADD\t7100\tns\t3200\txeon-5315y\tderived\tsome README, table 2\n"
               "EENTER+EEXIT\t6531-7435\tcycles\t-\tsomewhere.1\tverified\tsome paper\n"
               "EAUG\tnone\t-\t-\t-\t-\tno published figure"); /* the last line may lack its end */
    cr_assert_eq(table.count, 3);

    cr_assert_str_eq(table.figures[0].operation, "EADD");
    cr_assert_eq(table.figures[0].parts[0], sgx2_counter_named("EADD"));
    cr_assert_null(table.figures[0].parts[1]);
    cr_assert_eq(table.figures[0].low, 7100);
    cr_assert_eq(table.figures[0].high, 7100);
    cr_assert_eq(table.figures[0].unit, COST_NANOSECONDS);
    cr_assert_eq(table.figures[0].clock, 3200);
    cr_assert_eq(table.figures[0].status, COST_DERIVED);
    cr_assert_eq(table.figures[0].line, 3);
    cr_assert_str_eq(table.figures[0].platform, "xeon-5315y");
    cr_assert_str_eq(table.figures[0].source, "some README, table 2");

    cr_assert_eq(table.figures[1].parts[1], sgx2_counter_named("EEXIT"));
    cr_assert_eq(table.figures[1].low, 6531);
    cr_assert_eq(table.figures[1].high, 7435);
    cr_assert_eq(table.figures[1].unit, COST_CYCLES);
    cr_assert_eq(table.figures[1].clock, 0);
    cr_assert_eq(table.figures[2].unit, COST_NONE);

    cr_assert(cost_has_platform(&table, "somewhere.1"));
    cr_assert_not(cost_has_platform(&table, "somewhere"));
}

Test(cost, of_a_file_with_a_mistake_are_refused_with_line_and_reason)
{
    static const struct {
        const char *text;
        unsigned line;
        const char *reason;
    } rows[] = {
        {"", 0, "no figure in it"},
        {"# nothing\n\n", 0, "no figure in it"},
        {"EADD\n", 1, "no value: want 7 fields between tabs"},
        {"\nEADD\t1\tcycles\t-\there\tverified\n", 2, "no source: want 7 fields between tabs"},
        {"EADD 1 cycles - here verified a source\n", 1, "no value"},
        {"EADD\t1\tcycles\t-\there\tverified\ta\tb\n", 1, "more than 7 fields"},
        {"EADD\t1\tcycles\t-\there\tverified\t\n", 1, "the source is empty"},
        {"EADD\t\tcycles\t-\there\tverified\ta\n", 1, "the value is empty"},
        {"EADD\t1\tcycles\t-\there\tverified\ta\r\n", 1, "a control character (0x0d)"},
        {"EJECT\t1" TAIL, 1, "'EJECT' is no event"},
        {"traps\t1" TAIL, 1, "'traps' is no event"},
        {"aex\t1" TAIL, 1, "'aex' is no event"}, /* its three kinds are */
        {"eexit\t1" TAIL, 1, "'eexit' is no event"},
        {"EADD+\t1" TAIL, 1, "'' is no event"},
        {"+EADD\t1" TAIL, 1, "'' is no event"},
        {"EADD+EADD\t1" TAIL, 1, "'EADD' twice in one operation"},
        {"EADD+EAUG+EWB+ELDU+EPA\t1" TAIL, 1, "an operation of more than 4 events"},
        {"EADD\t-" TAIL, 1, "the value '-': want a number"},
        {"EADD\t0" TAIL, 1, "the value '0'"},
        {"EADD\t-5" TAIL, 1, "the value '-5'"},
        {"EADD\t5-" TAIL, 1, "the value '5-'"},
        {"EADD\t5-4" TAIL, 1, "the value '5-4'"},
        {"EADD\t1-2-3" TAIL, 1, "the value '1-2-3'"},
        {"EADD\t1,000" TAIL, 1, "the value '1,000'"},
        {"EADD\t1.5" TAIL, 1, "the value '1.5'"},
        {"EADD\t0x10" TAIL, 1, "the value '0x10'"},
        {"EADD\t1000000001" TAIL, 1, "of at most 1000000000"},
        {"EADD\t99999999999999999999" TAIL, 1, "the value '99999999999999999999'"},
        {"EADD\t1\tus\t-\there\tverified\ta\n", 1, "the unit 'us': want cycles or ns"},
        {"EADD\t1\tns\t0\there\tverified\ta\n", 1, "the clock '0': want MHz"},
        {"EADD\t1\tns\t3.2\there\tverified\ta\n", 1, "the clock '3.2': want MHz"},
        {"EADD\t1\tns\t100001\there\tverified\ta\n", 1, "the clock '100001'"},
        {"EADD\t1\tns\t-\tHere\tverified\ta\n", 1, "the platform 'Here'"},
        {"EADD\t1\tns\t-\t1\tverified\ta\n", 1, "the platform '1'"}, /* --cost=1 is another thing */
        {"EADD\t1\tns\t-\ta b\tverified\ta\n", 1, "the platform 'a b'"},
        {"EADD\t1\tns\t-\there\tguessed\ta\n", 1, "the status 'guessed': want verified, derived"},
        {"EADD\tnone\tns\t-\t-\t-\ta\n", 1, "the unit 'ns' of a value that is none"},
        {"EADD\tnone\t-\t-\there\t-\ta\n", 1, "the platform 'here' of a value that is none"},
        {"EADD\t1" TAIL "EADD\t2" TAIL, 2, "line 1 has this operation and platform already"},
        {"EADD\t1" TAIL "EADD\tnone\t-\t-\t-\t-\ta\n", 2, "line 1 contradicts"},
        {"EADD\tnone\t-\t-\t-\t-\ta\nEADD\t1" TAIL, 2, "line 1 contradicts"},
    };

    must_parse("EADD\t1" TAIL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_assert_eq(parse(rows[i].text), -EINVAL, "row %zu: %s", i, rows[i].text);
        cr_assert_eq(error.line, rows[i].line, "row %zu: line %u: %s", i, error.line, error.text);
        cr_assert_not_null(strstr(error.text, rows[i].reason), "row %zu: %s", i, error.text);
        cr_assert(table.count == 1 && table.figures[0].low == 1, "row %zu changed the table", i);
    }
}

Test(cost, of_a_file_with_a_zero_in_it_are_refused)
{
    static const char text[] = "EADD\t1\0" TAIL;

    cr_assert_eq(cost_parse(text, sizeof text - 1, &table, &error), -EINVAL);
    cr_assert_str_eq(error.text, "a control character (0x00)");
}

Test(cost, of_a_file_with_too_much_in_it_are_refused)
{
    static char text[COST_FIGURES * 64 + 600];
    char *at = text;

    for (unsigned i = 0; i <= COST_FIGURES; i++)
        at += sprintf(at, "EADD\t1\tcycles\t-\tp%u\tverified\ta\n", i);
    cr_assert_eq(parse(text), -EINVAL);
    cr_assert_eq(error.line, COST_FIGURES + 1);
    cr_assert_not_null(strstr(error.text, "more than 256 figures"));

    at = text + sprintf(text, "EADD\t1\tcycles\t-\tp\tverified\t");
    memset(at, 'x', COST_TEXT);
    strcpy(at + COST_TEXT, "\n");
    cr_assert_eq(parse(text), -EINVAL);
    cr_assert_str_eq(error.text, "the source is longer than 255 bytes");
    strcpy(at + COST_TEXT - 1, "\n");
    must_parse(text);
    cr_assert_eq(strlen(table.figures[0].source), COST_TEXT - 1);
}

Test(cost, of_what_is_no_file_are_refused)
{
    char path[] = "/tmp/cost-test-XXXXXX";
    const int fd = mkstemp(path);

    cr_assert_eq(cost_load("/nowhere/cost.tsv", &table, &error), -ENOENT);
    cr_assert_str_eq(error.text, "No such file or directory");
    cr_assert_eq(error.line, 0);
    cr_assert_eq(cost_load("/tmp", &table, &error), -EINVAL);
    cr_assert_eq(cost_load("/dev/zero", &table, &error), -EINVAL);
    cr_assert_not_null(strstr(error.text, "not a regular file"));
    cr_assert_eq(ftruncate(fd, (1 << 20) + 1), 0);
    cr_assert_eq(cost_load(path, &table, &error), -EINVAL);
    close(fd);
    unlink(path);
}

/* ------------------------------------------------------------------ the shipped one */

Test(cost, that_ship_have_a_source_each_and_none_where_nothing_is_published)
{
    static const char *const unpublished[] = {"EAUG",   "EACCEPT", "EACCEPTCOPY", "EMODPE",
                                              "EMODPR", "EMODT",   "EREMOVE",     "ETRACK"};
    unsigned none = 0;

    cr_assert_eq(cost_load(SHIPPED, &table, &error), 0, "%s:%u: %s", SHIPPED, error.line,
                 error.text);
    for (size_t i = 0; i < table.count; i++) {
        const struct cost_figure *figure = &table.figures[i];

        none += figure->unit == COST_NONE;
        for (size_t j = 0; j < sizeof unpublished / sizeof *unpublished; j++)
            if (strcmp(figure->operation, unpublished[j]) == 0)
                cr_assert_eq(figure->unit, COST_NONE, "%s", figure->operation);
        if (figure->unit != COST_NONE)
            cr_assert_gt(strlen(figure->source), 20, "line %u", figure->line);
    }
    cr_assert_eq(none, 8);
}

/* ------------------------------------------------------------------ estimates */

static void make_estimate(const char *platform, struct sgx2_counters counters)
{
    cost_estimate(&table, platform, &counters, &estimate);
}

Test(cost, of_an_operation_is_its_count_times_its_figure)
{
    must_parse("EADD\t100-300" TAIL);
    make_estimate(NULL, (struct sgx2_counters){.encls = {[SGX_EADD] = 7, [SGX_EAUG] = 3}});
    cr_assert_eq(estimate.count, 1);
    cr_assert_eq(estimate.items[0].count, 7);
    cr_assert_eq(estimate.cycles.low, 700);
    cr_assert_eq(estimate.cycles.high, 2100);
    cr_assert_eq(estimate.cycles.weakest, COST_VERIFIED);
    cr_assert_not(estimate.time.any);
    cr_assert_eq(estimate.events, 10);
    cr_assert_eq(estimate.events_left, 3);
    cr_assert_eq(estimate.left.encls[SGX_EAUG], 3);
    cr_assert_eq(estimate.left.encls[SGX_EADD], 0);
}

Test(cost, of_an_event_is_counted_once_by_the_operation_of_most_events)
{
    must_parse("EENTER\t5" TAIL          /* first in the file, last in turn */
               "EENTER+EEXIT\t1000" TAIL /* 4 of these */
               "aex_faults+ERESUME\t10" TAIL "EWB+ELDU+aex_faults+ERESUME\t100" TAIL);
    make_estimate(NULL, (struct sgx2_counters){
                            .encls = {[SGX_EWB] = 2, [SGX_ELDU] = 1},
                            .enclu = {[SGX_EENTER] = 6, [SGX_EEXIT] = 4, [SGX_ERESUME] = 9},
                            .aex = 8,
                            .eexit = 4,
                            .aex_faults = 8,
                        });
    cr_assert_eq(estimate.count, 4);
    cr_assert_eq(estimate.cycles.high, 4 * 1000 + 2 * 5 + 1 * 100 + 7 * 10);
    cr_assert_eq(estimate.left.enclu[SGX_ERESUME], 1);
    cr_assert_eq(estimate.left.encls[SGX_EWB], 1);
    cr_assert_eq(estimate.events, 2 + 1 + 6 + 4 + 9 + 8);
    cr_assert_eq(estimate.events_left, 2);
}

Test(cost, of_a_platform_are_its_figures_alone)
{
    must_parse("EADD\t100\tcycles\t-\tone\tverified\ta\n"
               "EADD\t200\tcycles\t-\ttwo\tunverified\ta\n"
               "EEXTEND\t1\tcycles\t-\tone\tderived\ta\n");
    make_estimate(NULL, (struct sgx2_counters){.encls = {[SGX_EADD] = 1}});
    cr_assert_eq(estimate.cycles.high, 100, "the first in the file");
    cr_assert_eq(estimate.cycles.weakest, COST_VERIFIED, "of what was used");
    make_estimate("two", (struct sgx2_counters){.encls = {[SGX_EADD] = 1, [SGX_EEXTEND] = 16}});
    cr_assert_eq(estimate.cycles.high, 200);
    cr_assert_eq(estimate.cycles.weakest, COST_UNVERIFIED);
    cr_assert_eq(estimate.events_left, 16);
    make_estimate("one", (struct sgx2_counters){.encls = {[SGX_EADD] = 1, [SGX_EEXTEND] = 16}});
    cr_assert_eq(estimate.cycles.high, 116);
    cr_assert_eq(estimate.cycles.weakest, COST_DERIVED);
}

Test(cost, in_time_becomes_cycles_only_where_the_clock_is_known)
{
    must_parse("EADD\t1000\tns\t3200\tone\tverified\ta\n"
               "EEXTEND\t10-20\tns\t-\ttwo\tunverified\ta\n");
    make_estimate(NULL, (struct sgx2_counters){.encls = {[SGX_EADD] = 2, [SGX_EEXTEND] = 3}});
    cr_assert_eq(estimate.cycles.high, 6400);
    cr_assert_eq(estimate.cycles.weakest, COST_DERIVED, "since it was computed here");
    cr_assert_eq(estimate.time.low, 30);
    cr_assert_eq(estimate.time.high, 60);
    cr_assert_eq(estimate.time.weakest, COST_UNVERIFIED);
}

Test(cost, without_a_figure_is_a_count_and_a_sentence)
{
    char text[4096] = "";
    FILE *to = fmemopen(text, sizeof text, "w");

    must_parse(
        "EADD\t100\tcycles\t-\tone\tderived\ta\nEAUG\tnone\t-\t-\t-\t-\tno published figure\n");
    make_estimate(NULL, (struct sgx2_counters){
                            .encls = {[SGX_EADD] = 1, [SGX_EAUG] = 2}, .aex = 1, .aex_faults = 1});
    cost_print(to, &estimate);
    fclose(to);
    cr_assert_str_eq(
        text,
        "                                    count         published, each                "
        "status      platform\n"
        "  EADD                                  1                     100 cycles         "
        "derived     one (line 1)\n"
        "  EAUG                                  2     no published figure\n"
        "  aex_faults                            1     no published figure\n"
        "  estimate                                                    100 cycles         "
        "derived at worst\n"
        "  3 of 4 events (75.0 %) have no published figure\n",
        "%s", text);
}

Test(cost, of_nothing_is_nothing)
{
    must_parse("EADD\t100" TAIL);
    make_estimate(NULL, (struct sgx2_counters){.traps = 5, .page_faults = 7});
    cr_assert_eq(estimate.count, 0);
    cr_assert_eq(estimate.events, 0);
    cr_assert_not(estimate.cycles.any);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enclaves come and go: side by side, one after the other, with a record of what they did.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seam.h"

/* ------------------------------------------------------------------ two at once */

Test(life, two_enclaves_of_one_file_share_nothing)
{
    struct basic_tls tls = {.add = 1};
    struct basic_publish code;
    struct host first;

    host_open();
    host_must(BASIC_TLS, &tls);
    code = host_publish(1, 5);
    first = host;

    host_open();
    cr_assert_neq(host.base, first.base);
    cr_assert_neq(host.fd, first.fd);
    host_must(BASIC_TLS, &tls);
    cr_assert_eq(tls.counter, 1001);
    cr_assert_not(host_epcm(code.where - first.base).present, "no code was published here");
    cr_assert_eq(host_counters().enclu[SGX_EACCEPTCOPY], 0);
    host_close();

    host = first;
    host_must(BASIC_TLS, &tls);
    cr_assert_eq(tls.counter, 1002);
    cr_assert_eq(host_execute(code.where).caught, 0);
    host_close();
}

static struct host outer_host, inner_host;

static sgx_status_t call_the_other(void *ms)
{
    host = inner_host;
    host_check_sane();
    host = outer_host;
    (void)ms;
    return SGX_SUCCESS;
}

Test(life, an_ocall_of_one_enclave_may_call_another)
{
    struct basic_ocall ms = {.index = BASIC_OCALL_NOTE, .size = 8, .inside = 1};

    host_open();
    inner_host = host;
    host_open();
    outer_host = host;
    host_on_note = call_the_other;
    host_must(BASIC_OCALL, &ms);
    cr_assert_eq(ms.status, SGX_SUCCESS);
    host_close();
    host = inner_host;
    host_close();
}

Test(life, a_crash_of_one_enclave_is_none_of_another)
{
    struct basic_provoke ud2 = {.provocation = BASIC_UD2};
    struct host first;

    host_open();
    first = host;
    host_open();
    cr_assert_eq(host_ecall(BASIC_PROVOKE, &ud2), SGX_ERROR_ENCLAVE_CRASHED);
    host_close();
    host = first;
    host_check_sane();
    cr_assert_str_eq(ap_enclave_crash(host.enclave), "");
    host_close();
}

/* ------------------------------------------------------------------ one after the other */

Test(life, creation_and_destruction_leave_nothing_behind)
{
    struct seam_holdings first = {0}, now;

    for (unsigned i = 0; i < 40; i++) {
        uint64_t base, size;

        host_open();
        base = host.base;
        size = host.size;
        cr_assert_eq(host_commit("pool", 0, 8).status, SGX_SUCCESS);
        cr_assert_eq(host_publish(8, i).correct, 8);
        cr_assert_gt(seam_holdings(base, size).device_mappings, 3);
        host_close();
        now = seam_holdings(base, size);
        cr_assert_eq(now.device_mappings, 0, "round %u", i);
        cr_assert_eq(now.mappings_in_range, 0, "round %u", i);
        if (i == 0)
            first = now;
        cr_assert_eq(now.descriptors, first.descriptors, "round %u", i);
    }
}

Test(life, a_crashed_enclave_leaves_nothing_behind_either)
{
    struct basic_provoke ud2 = {.provocation = BASIC_UD2};
    struct seam_holdings now;
    uint64_t base, size;

    host_open();
    base = host.base;
    size = host.size;
    cr_assert_eq(host_ecall(BASIC_PROVOKE, &ud2), SGX_ERROR_ENCLAVE_CRASHED);
    host_close();
    now = seam_holdings(base, size);
    cr_assert_eq(now.device_mappings + now.mappings_in_range, 0);
    host_open();
    host_check_sane();
    host_close();
}

/* ------------------------------------------------------------------ the trace */

#define LINES_MAX 20000

static char trace_path[] = "/tmp/integration-trace-XXXXXX";
static char counts_path[] = "/tmp/integration-counts-XXXXXX";
static char *lines[LINES_MAX];
static unsigned line_count;

static void read_lines(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[512];

    cr_assert_not_null(file);
    for (line_count = 0; fgets(line, sizeof line, file);) {
        cr_assert_lt(line_count, LINES_MAX);
        cr_assert(line[strlen(line) - 1] == '\n', "a line is cut: %s", line);
        lines[line_count++] = strdup(line);
    }
    fclose(file);
}

static void run_smoke(void)
{
    char command[2048];
    int status;

    close(mkstemp(trace_path));
    close(mkstemp(counts_path));
    snprintf(command, sizeof command,
             "APERTURE_DEVICE=model APERTURE_TRACE='%s' '%s' '%s' > '%s' 2>/dev/null", trace_path,
             SMOKE_PROGRAM, basic_file, counts_path);
    status = system(command);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: %#x", command, status);
    read_lines(trace_path);
}

static void remove_traces(void)
{
    unlink(trace_path);
    unlink(counts_path);
    while (line_count > 0)
        free(lines[--line_count]);
}

TestSuite(trace, .init = run_smoke, .fini = remove_traces);

/* Lines of a kind that name something, and do not belong to the summary. */
static unsigned count_lines(const char *kind, const char *name)
{
    unsigned count = 0;

    for (unsigned i = 0; i < line_count; i++) {
        const char *at = strstr(lines[i], "] ");

        cr_assert_not_null(at, "%s", lines[i]);
        at += 2;
        if (strncmp(at, kind, strlen(kind)) != 0)
            continue;
        at += 7; /* kinds take six columns and a blank */
        count += strncmp(at, name, strlen(name)) == 0 &&
                 (at[strlen(name)] == ' ' || at[strlen(name)] == '\n');
    }
    return count;
}

static unsigned counted(const char *name)
{
    FILE *file = fopen(counts_path, "r");
    char found[64];
    unsigned value;

    cr_assert_not_null(file);
    while (fscanf(file, "%63s %u", found, &value) == 2) {
        if (strcmp(found, name) == 0) {
            fclose(file);
            return value;
        }
    }
    cr_assert_fail("the program did not count %s", name);
    return 0;
}

Test(trace, has_a_line_for_every_leaf_ioctl_and_exit_that_was_counted)
{
    static const char *const enclu[] = {"EENTER", "ERESUME", "EEXIT", "EACCEPT", "EACCEPTCOPY"};
    static const char *const encls[] = {"EAUG", "EMODPR", "ETRACK", "ECREATE", "EINIT"};

    for (size_t i = 0; i < sizeof enclu / sizeof *enclu; i++) {
        cr_assert_gt(counted(enclu[i]), 0);
        cr_assert_eq(count_lines("ENCLU", enclu[i]), counted(enclu[i]), "%s: %u lines, %u counted",
                     enclu[i], count_lines("ENCLU", enclu[i]), counted(enclu[i]));
    }
    for (size_t i = 0; i < sizeof encls / sizeof *encls; i++) {
        cr_assert_gt(counted(encls[i]), 0);
        cr_assert_eq(count_lines("ENCLS", encls[i]), counted(encls[i]), "%s: %u lines, %u counted",
                     encls[i], count_lines("ENCLS", encls[i]), counted(encls[i]));
    }
    cr_assert_eq(count_lines("ioctl", "ADD_PAGES"), counted("ADD_PAGES"));
    cr_assert_eq(count_lines("exit", "AEX"), counted("AEX"));
}

static unsigned first_line(const char *text, unsigned from)
{
    for (unsigned i = from; i < line_count; i++)
        if (strstr(lines[i], text))
            return i;
    cr_assert_fail("no line has \"%s\" from line %u on", text, from);
    return 0;
}

Test(trace, tells_what_happened_in_its_order)
{
    static const char *const story[] = {
        "open ",   "ECREATE ", "ADD_PAGES ", "EINIT ",       "mmap ",       "EENTER ", "EEXIT ",
        "EMODPR ", "ETRACK ",  "RESTRICT ",  "EENTER ",      "EACCEPT ",    "EEXIT ",  "vector 0 ",
        "EAUG ",   "EACCEPT ", "EAUG ",      "EACCEPTCOPY ", "#PF(0x8007)", "count ",
    };
    unsigned at = 0;

    for (size_t i = 0; i < sizeof story / sizeof *story; i++)
        at = first_line(story[i], at) + 1;
}

Test(trace, ends_with_the_counters)
{
    static const char *const names[] = {"EENTER", "EACCEPT", "EACCEPTCOPY", "EAUG"};
    unsigned at = first_line("] count ", 0);

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char expected[64];

        snprintf(expected, sizeof expected, "%-12s %u\n", names[i], counted(names[i]));
        first_line(expected, at);
    }
    for (; at < line_count; at++)
        cr_assert_not_null(strstr(lines[at], "] count "), "after the summary: %s", lines[at]);
}

Test(trace, names_no_page_that_is_writable_and_executable)
{
    unsigned secinfos = 0;

    for (unsigned i = 0; i < line_count; i++) {
        secinfos += strstr(lines[i], "REG r") != NULL;
        cr_assert_null(strstr(lines[i], "REG rwx"), "%s", lines[i]);
        cr_assert_null(strstr(lines[i], "REG -wx"), "%s", lines[i]);
    }
    cr_assert_gt(secinfos, 20);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host program as a person uses it: packet-jit, linked with doubles of both runtimes.
 */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/expressions.h"
#include "shared/filter.h"

static char output[65536];

/* Run the program with these arguments, in the shell's words; both outputs are kept. */
static int run(const char *arguments)
{
    char command[4096];
    size_t size;
    int status;
    FILE *pipe;

    snprintf(command, sizeof command, "%s %s 2>&1", PACKET_JIT, arguments);
    pipe = popen(command, "r");
    cr_assert(pipe);
    size = fread(output, 1, sizeof output - 1, pipe);
    output[size] = '\0';
    status = pclose(pipe);
    cr_assert(WIFEXITED(status), "%s", output);
    return WEXITSTATUS(status);
}

#define EXPECT(status, text, ...)                                                                  \
    do {                                                                                           \
        char arguments_[2048];                                                                     \
        snprintf(arguments_, sizeof arguments_, __VA_ARGS__);                                      \
        const int got_ = run(arguments_);                                                          \
        cr_expect(got_ == (status), "%s: %d, not %d: %s", arguments_, got_, (status), output);     \
        cr_expect(strstr(output, (text)), "%s: no \"%s\" in: %s", arguments_, (text), output);     \
    } while (0)

/* A file of the given bytes, for the rest of the test. */
static const char *write_file(const void *bytes, size_t size)
{
    static char path[64];
    int fd;

    strcpy(path, "/tmp/packet-jit-test-XXXXXX");
    fd = mkstemp(path);
    cr_assert(fd >= 0);
    cr_assert(write(fd, bytes, size) == (ssize_t)size);
    close(fd);
    return path;
}

struct file_header {
    uint32_t magic;
    uint16_t major, minor;
    uint32_t zone, accuracy, snaplen, link;
};

struct packet_header {
    uint32_t seconds, microseconds, caplen, len;
};

static const struct file_header ethernet = {0xa1b2c3d4, 2, 4, 0, 0, 262144, 1};

Test(host, all_expressions_agree_on_the_capture)
{
    char expected[64];

    snprintf(expected, sizeof expected, "%zu of %zu expressions agree", EXPRESSIONS, EXPRESSIONS);
    EXPECT(0, expected, "--repeat 1 " ENCLAVE " " SAMPLE_CAPTURE);
    cr_expect(strstr(output, "interpreter / JIT: "));
    cr_expect(!strstr(output, "WRONG"));
}

Test(host, expressions_of_ones_own_replace_the_list)
{
    EXPECT(0, "2 of 2 expressions agree",
           "--repeat 1 " ENCLAVE " " SAMPLE_CAPTURE " 'tcp' 'udp port 7'");
}

Test(host, quiet_prints_no_rows)
{
    EXPECT(0, "1 of 1 expressions agree", "--quiet --repeat 1 " ENCLAVE " " SAMPLE_CAPTURE " tcp");
    cr_expect(!strstr(output, "libpcap  ok") && !strstr(output, "tcp "));
}

Test(host, invalid_programs_are_all_refused_with_their_reasons)
{
    EXPECT(0, "13 of 13 invalid programs refused for the right reason", "--invalid " ENCLAVE);
    cr_expect(strstr(output, "instruction 1: a jump goes backward"));
}

Test(host, one_wrong_verdict_of_either_engine_or_a_wrong_count_is_noticed)
{
    static const char *const lies[] = {"jit", "interpreter", "jit-matches", "interpreter-matches"};

    for (unsigned i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        setenv("DOUBLE_LIE", lies[i], 1);
        EXPECT(1, "0 of 1 expressions agree", "--repeat 1 " ENCLAVE " " SAMPLE_CAPTURE " tcp");
        cr_expect(strstr(output, "WRONG"));
    }
}

Test(host, an_invalid_program_refused_for_another_reason_is_noticed)
{
    setenv("DOUBLE_LIE", "reason", 1);
    EXPECT(1, "0 of 13 invalid programs", "--invalid " ENCLAVE);
    cr_expect(strstr(output, "WRONG"));
}

Test(host, wrong_usage_exits_with_status_2_and_shows_the_usage)
{
    EXPECT(2, "no enclave given", "%s", "");
    EXPECT(2, "no capture given", ENCLAVE);
    EXPECT(2, "usage: packet-jit", "--nonsense");
    EXPECT(2, "usage: packet-jit", "--repeat");
    EXPECT(2, "--repeat wants a number", "--repeat 0 a b");
    EXPECT(2, "--repeat wants a number", "--repeat 12x a b");
    EXPECT(2, "--repeat wants a number", "--repeat 99999999999999999999 a b");
    EXPECT(2, "--invalid takes only an enclave", "--invalid " ENCLAVE " " SAMPLE_CAPTURE);
}

Test(host, help_is_no_error)
{
    EXPECT(0, "usage: packet-jit", "--help");
}

Test(host, an_enclave_that_cannot_be_loaded_is_named)
{
    EXPECT(1, "packet-jit: /nonexistent: cannot be read", "/nonexistent " SAMPLE_CAPTURE);
}

Test(host, an_expression_that_libpcap_does_not_know_is_named_with_its_complaint)
{
    EXPECT(1, "not an expression: \"tcp and\": ", ENCLAVE " " SAMPLE_CAPTURE " 'tcp and'");
    EXPECT(1,
           "not an expression: \"frobnicate 7\": ", ENCLAVE " " SAMPLE_CAPTURE " 'frobnicate 7'");
}

Test(host, an_expression_that_needs_a_loop_is_refused_by_the_enclave)
{
    EXPECT(1, "a jump goes backward", ENCLAVE " " SAMPLE_CAPTURE " 'ip6 protochain 6'");
}

Test(host, a_capture_that_is_missing_or_garbled_or_empty_is_an_error)
{
    const char *path;

    EXPECT(1, "/nonexistent", ENCLAVE " /nonexistent");
    path = write_file("This is no capture at all.", 26);
    EXPECT(1, path, ENCLAVE " %s", path);
    unlink(path);
    path = write_file("", 0);
    EXPECT(1, path, ENCLAVE " %s", path);
    unlink(path);
    path = write_file(&ethernet, sizeof ethernet);
    EXPECT(1, "no packets", ENCLAVE " %s", path);
    unlink(path);
}

Test(host, a_capture_that_is_cut_short_is_an_error)
{
    const struct {
        struct file_header file;
        struct packet_header packet;
        uint8_t bytes[4];
    } cut = {ethernet, {0, 0, 60, 60}, {0}};
    const char *path = write_file(&cut, sizeof cut);

    EXPECT(1, "truncated", ENCLAVE " %s", path);
    unlink(path);
}

Test(host, a_capture_of_another_link_type_is_an_error)
{
    struct file_header raw = ethernet;
    const char *path;

    raw.link = 101;
    path = write_file(&raw, sizeof raw);
    EXPECT(1, "this sample reads Ethernet", ENCLAVE " %s", path);
    unlink(path);
}

Test(host, a_packet_of_more_than_65535_bytes_is_an_error)
{
    static struct {
        struct file_header file;
        struct packet_header packet;
        uint8_t bytes[FILTER_PACKET_MAX + 1];
    } big;
    const char *path;

    big.file = ethernet;
    big.packet = (struct packet_header){0, 0, sizeof big.bytes, sizeof big.bytes};
    path = write_file(&big, sizeof big.file + sizeof big.packet + sizeof big.bytes);
    EXPECT(1, "packet 1 has 65536 bytes", ENCLAVE " %s", path);
    unlink(path);
}

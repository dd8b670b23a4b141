/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose keys an enclave gets: model/driver/platform.h.
 */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/key.h"
#include "arch/report.h"
#include "cpu/derive.h"
#include "driver/platform.h"
#include "model.h"
#include "raw.h"

#define FUSES  "000102030405060708090a0b0c0d0e0f"
#define EPOCH  "101112131415161718191a1b1c1d1e1f"
#define SVN    "02030000000000000000000000000001"
#define KEY_ID "4041424344454647484950515253545556575859606162636465666768697071"

#define MACHINE(fuses, epoch, svn) "FUSES = " fuses "\nOWNEREPOCH = " epoch "\nCPUSVN = " svn "\n"

static struct raw raw;

/* What a child hands to its parent. */
static struct board {
    struct sgx_key key;
    struct sgx_report report;
    bool verified;
} * board;

static void begin(void)
{
    board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(board, MAP_FAILED);
}

TestSuite(platform, .init = begin, .timeout = 60);

/* ------------------------------------------------------------------ files */

static const char *folder(void)
{
    static char path[] = "/tmp/platform-test-XXXXXX";
    static bool made;

    if (!made)
        cr_assert_not_null(mkdtemp(path));
    made = true;
    return path;
}

static const char *file_named(const char *name, const char *text)
{
    static char path[256];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder(), name);
    file = fopen(path, "w");
    cr_assert_not_null(file);
    cr_assert_geq(fputs(text, file), 0);
    fclose(file);
    return path;
}

static void use_file(const char *text)
{
    setenv("APERTURE_PLATFORM", file_named("machine", text), 1);
}

static void end(void)
{
    char command[300];

    raw_close(&raw);
    snprintf(command, sizeof command, "rm -rf %s", folder());
    cr_assert_eq(system(command), 0);
}

/* ------------------------------------------------------------------ what the enclave does */

static void put(uint64_t offset, const void *from, size_t size)
{
    uint64_t word;

    for (size_t i = 0; i < size; i += sizeof word) {
        memcpy(&word, (const uint8_t *)from + i, sizeof word);
        raw_do(&raw, 0, (struct op){.op = OP_STORE, .a = raw_address(&raw, offset + i), .b = word});
    }
}

static void get(uint64_t offset, void *to, size_t size)
{
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        const uint64_t word =
            raw_do(&raw, 0, (struct op){.op = OP_LOAD, .a = raw_address(&raw, offset + i)}).ret;

        memcpy((uint8_t *)to + i, &word, sizeof word);
    }
}

static uint64_t leaf(uint64_t leaf_number, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
    return raw_do(&raw, 0,
                  (struct op){.op = OP_ENCLU,
                              .a = leaf_number,
                              .b = raw_address(&raw, rbx),
                              .c = raw_address(&raw, rcx),
                              .d = raw_address(&raw, rdx)})
        .ret;
}

static uint64_t get_key(const struct sgx_key_request *request, struct sgx_key *ret)
{
    uint64_t code;

    put(RAW_DATA, request, sizeof *request);
    code = leaf(SGX_EGETKEY, RAW_DATA, RAW_DATA + 2048, RAW_DATA);
    get(RAW_DATA + 2048, ret, sizeof *ret);
    return code;
}

/* The SEAL key for a security version; 0: the oldest. */
static uint64_t seal_key(uint8_t svn0, uint8_t svn15, struct sgx_key *ret)
{
    const struct sgx_key_request request = {
        .key_name = SGX_KEY_SEAL,
        .key_policy = SGX_KEYPOLICY_MRENCLAVE,
        .cpu_svn = {[0] = svn0, [15] = svn15},
    };

    return get_key(&request, ret);
}

static struct sgx_key seal_key_now(void)
{
    struct sgx_key key;

    cr_assert_eq(seal_key(0, 0, &key), SGX_OK);
    return key;
}

/* A report for whoever has the same measurement: this enclave, in whatever process. */
static struct sgx_report report(void)
{
    struct sgx_targetinfo target = {.attributes = {.flags = 0}};
    struct sgx_report mine;

    put(RAW_DATA, &target, sizeof target);
    cr_assert_eq(leaf(SGX_EREPORT, RAW_DATA, RAW_DATA + 512, RAW_DATA + 1024), SGX_EREPORT);
    get(RAW_DATA + 1024, &mine, sizeof mine);
    memcpy(target.measurement, mine.mrenclave, sizeof target.measurement);
    target.attributes = mine.attributes;
    target.miscselect = mine.miscselect;
    put(RAW_DATA, &target, sizeof target);
    cr_assert_eq(leaf(SGX_EREPORT, RAW_DATA, RAW_DATA + 512, RAW_DATA + 1024), SGX_EREPORT);
    get(RAW_DATA + 1024, &mine, sizeof mine);
    return mine;
}

static bool verifies(const struct sgx_report *theirs)
{
    struct sgx_key_request request = {.key_name = SGX_KEY_REPORT};
    struct sgx_key key;
    uint8_t mac[16];

    memcpy(request.key_id, theirs->key_id, sizeof request.key_id);
    cr_assert_eq(get_key(&request, &key), SGX_OK);
    cr_assert(cpu_cmac(key.bytes, theirs, SGX_REPORT_MACED_SIZE, mac));
    return memcmp(mac, theirs->mac, sizeof mac) == 0;
}

static bool same_key(const struct sgx_key *a, const struct sgx_key *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* ------------------------------------------------------------------ processes */

static void in_child(void (*body)(void))
{
    const pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        body();
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child's status is %#x", status);
}

/* An enclave of the child's own. */
static void work_on_the_board(void)
{
    struct raw parents = raw;

    raw_open(&raw);
    board->key = seal_key_now();
    board->verified = verifies(&board->report);
    board->report = report();
    raw = parents;
}

static struct sgx_key key_under(const char *text)
{
    struct sgx_key key;

    use_file(text);
    raw_open(&raw);
    key = seal_key_now();
    raw_close(&raw);
    return key;
}

Test(platform, enclaves_of_two_processes_with_one_file_attest_each_other_and_unseal)
{
    struct sgx_key key;

    use_file(MACHINE(FUSES, EPOCH, SVN));
    raw_open(&raw);
    key = seal_key_now();
    board->report = report();
    in_child(work_on_the_board);
    cr_assert(board->verified, "the child believes its parent");
    cr_assert(verifies(&board->report), "and the parent the child");
    cr_assert(same_key(&board->key, &key));
    end();
}

Test(platform, with_different_files_they_do_not)
{
    struct sgx_key key;

    use_file(MACHINE(FUSES, EPOCH, SVN));
    raw_open(&raw);
    key = seal_key_now();
    board->report = report();
    setenv("APERTURE_PLATFORM", file_named("other", MACHINE(EPOCH, EPOCH, SVN)), 1);
    in_child(work_on_the_board);
    cr_assert_not(board->verified);
    cr_assert_not(verifies(&board->report));
    cr_assert_not(same_key(&board->key, &key));
    end();
}

Test(platform, what_was_sealed_dies_with_the_owner_epoch_and_comes_back_with_it)
{
    const struct sgx_key before = key_under(MACHINE(FUSES, EPOCH, SVN));
    const struct sgx_key changed = key_under(MACHINE(FUSES, FUSES, SVN));
    const struct sgx_key after = key_under(MACHINE(FUSES, EPOCH, SVN));

    cr_assert_not(same_key(&before, &changed));
    cr_assert(same_key(&before, &after));
    raw_open(&raw);
    end();
}

Test(platform, keys_of_older_security_versions_survive_an_update_and_none_of_newer_ones_a_downgrade)
{
    struct sgx_key old, now, newer;

    use_file(MACHINE(FUSES, EPOCH, SVN));
    raw_open(&raw);
    cr_assert_eq(seal_key(2, 1, &old), SGX_OK);
    cr_assert_eq(report().cpu_svn[1], 3);
    raw_close(&raw);

    use_file(MACHINE(FUSES, EPOCH, "03030000000000000000000000000001"));
    raw_open(&raw);
    cr_assert_eq(seal_key(2, 1, &now), SGX_OK);
    cr_assert(same_key(&old, &now));
    cr_assert_eq(seal_key(3, 1, &newer), SGX_OK);
    cr_assert_not(same_key(&old, &newer));
    cr_assert_eq(seal_key(3, 2, &now), SGX_INVALID_CPUSVN);
    raw_close(&raw);

    use_file(MACHINE(FUSES, EPOCH, SVN));
    raw_open(&raw);
    cr_assert_eq(seal_key(3, 1, &newer), SGX_INVALID_CPUSVN);
    cr_assert_eq(seal_key(2, 1, &now), SGX_OK);
    cr_assert(same_key(&old, &now));
    end();
}

/* ------------------------------------------------------------------ REPORT_KEYID */

Test(platform, the_key_id_of_reports_is_the_files)
{
    static const uint8_t first[] = {0x40, 0x41, 0x42};
    struct sgx_report mine;

    use_file(MACHINE(FUSES, EPOCH, SVN) "REPORT_KEYID = " KEY_ID "\n");
    raw_open(&raw);
    mine = report();
    cr_assert_arr_eq(mine.key_id, first, sizeof first);
    cr_assert_eq(mine.key_id[31], 0x71);
    end();
}

Test(platform, without_one_it_is_random_for_each_process_and_those_it_forks)
{
    struct sgx_report mine, elder, theirs;

    use_file(MACHINE(FUSES, EPOCH, SVN));
    in_child(work_on_the_board);
    elder = board->report;
    raw_open(&raw);
    mine = report();
    in_child(work_on_the_board);
    theirs = board->report;
    cr_assert_arr_neq(elder.key_id, mine.key_id, sizeof mine.key_id, "forked before the first");
    cr_assert_arr_eq(theirs.key_id, mine.key_id, sizeof mine.key_id, "forked after it");
    cr_assert(verifies(&elder), "a report outlives the boot");
    end();
}

/* ------------------------------------------------------------------ random */

Test(platform, a_random_one_is_shared_by_those_forked_after_its_first_use)
{
    struct sgx_key elder, mine;

    setenv("APERTURE_PLATFORM", "random", 1);
    in_child(work_on_the_board);
    elder = board->key;
    raw_open(&raw);
    mine = seal_key_now();
    board->report = report();
    cr_assert_not(same_key(&elder, &mine));
    in_child(work_on_the_board);
    cr_assert(same_key(&board->key, &mine));
    cr_assert(board->verified);
    end();
}

Test(platform, a_seed_is_a_machine_of_its_own)
{
    static const char one[] = "random:" FUSES EPOCH, other[] = "random:" EPOCH FUSES;
    struct sgx_key first, second;

    setenv("APERTURE_PLATFORM", one, 1);
    raw_open(&raw);
    first = seal_key_now();
    raw_close(&raw);
    setenv("APERTURE_PLATFORM", other, 1);
    raw_open(&raw);
    second = seal_key_now();
    raw_close(&raw);
    cr_assert_not(same_key(&first, &second));
    setenv("APERTURE_PLATFORM", one, 1);
    raw_open(&raw);
    second = seal_key_now();
    cr_assert(same_key(&first, &second));
    end();
}

Test(platform, the_default_is_one_machine_for_all_and_none_of_the_others)
{
    struct sgx_key unset, empty;
    const struct sgx_key of_file = key_under(MACHINE(FUSES, EPOCH, SVN));

    unsetenv("APERTURE_PLATFORM");
    raw_open(&raw);
    unset = seal_key_now();
    raw_close(&raw);
    setenv("APERTURE_PLATFORM", "", 1);
    in_child(work_on_the_board);
    empty = board->key;
    cr_assert(same_key(&unset, &empty));
    cr_assert_not(same_key(&unset, &of_file));
    raw_open(&raw);
    end();
}

Test(platform, an_enclave_keeps_the_machine_that_its_device_was_opened_on)
{
    struct sgx_key before, after;

    use_file(MACHINE(FUSES, EPOCH, SVN));
    raw_open(&raw);
    before = seal_key_now();
    use_file(MACHINE(EPOCH, EPOCH, SVN));
    after = seal_key_now();
    cr_assert(same_key(&before, &after));
    end();
}

/* ------------------------------------------------------------------ refusals */

static void expect_refusal(const char *value, const char *text)
{
    char said[512] = "";
    char path[300];
    const int console = dup(2);
    int fd;

    snprintf(path, sizeof path, "%s/said", folder());
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    setenv("APERTURE_PLATFORM", value, 1);
    dup2(fd, 2);
    cr_expect_eq(sgx2_open("/dev/sgx_enclave", O_RDWR), -EINVAL, "%s", value);
    dup2(console, 2);
    close(console);
    cr_assert_geq(pread(fd, said, sizeof said - 1, 0), 0);
    close(fd);
    cr_expect(strstr(said, "APERTURE_PLATFORM=") && strstr(said, text), "%s: it said '%s'", value,
              said);
}

Test(platform, a_file_that_is_none_is_refused_with_its_name_and_the_reason)
{
    char path[300];

    snprintf(path, sizeof path, "%s/nowhere", folder());
    expect_refusal(path, "nowhere: No such file");
    expect_refusal(folder(), "not a regular file");
    snprintf(path, sizeof path, "%s/fifo", folder());
    cr_assert_eq(mkfifo(path, 0600), 0);
    expect_refusal(path, "fifo: not a regular file");
    snprintf(path, sizeof path, "%s", file_named("huge", ""));
    cr_assert_eq(truncate(path, PLATFORM_FILE_MAX + 1), 0);
    expect_refusal(path, "larger than 64 KiB");
    expect_refusal(file_named("bad", "\n\nFUSES = 12\n"), "bad:3: FUSES");
    expect_refusal(file_named("short", "FUSES = " FUSES "\n"), "short: OWNEREPOCH is missing");
    setenv("APERTURE_PLATFORM", "", 1);
    raw_open(&raw);
    end();
}

static void open_without_rights(void)
{
    if (setuid(65534) < 0)
        _exit(1);
    _exit(sgx2_open("/dev/sgx_enclave", O_RDWR) == -EINVAL ? 0 : 2);
}

Test(platform, a_file_that_cannot_be_read_is_refused)
{
    if (geteuid() != 0)
        cr_skip_test("only root can be somebody else");
    use_file(MACHINE(FUSES, EPOCH, SVN));
    in_child(open_without_rights);
    setenv("APERTURE_PLATFORM", "", 1);
    raw_open(&raw);
    end();
}

Test(platform, a_seed_that_is_none_is_refused)
{
    expect_refusal("random:", "64 hexadecimal digits");
    expect_refusal("random:" FUSES, "64 hexadecimal digits");
    expect_refusal("random:" FUSES "101112131415161718191a1b1c1d1e1g", "64 hexadecimal digits");
    expect_refusal("randomly", "No such file");
    setenv("APERTURE_PLATFORM", "", 1);
    raw_open(&raw);
    end();
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * first-light: what the first whole path costs - calls, loading, signing, publishing.
 *
 * Counts are exact and the same on every machine; times are this machine's.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/call.h"
#include "aperture/counters.h"
#include "aperture/urts.h"
#include "ecalls.h"
#include "os.h"
#include "table.h"
#include "trap.h"

#define CALLS      20000
#define SIGN_BYTES (512.0 * 1024 * 1024)

static const char *model_columns[] = {"operation", "traps",  "EENTER", "EEXIT",        "AEX",
                                      "leaves",    "ioctls", "faults", "microseconds", NULL};

static __attribute__((noreturn)) void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench-first-light: %s: %s\n", what, why);
    exit(1);
}

static struct ap_enclave *open_enclave(const char *path)
{
    struct ap_options options = {.device = AP_DEVICE_MODEL};
    struct ap_enclave *enclave;
    struct ap_error error;

    if (ap_enclave_create(path, &options, &enclave, &error) != SGX_SUCCESS)
        fail(path, error.text);
    return enclave;
}

static struct sgx2_counters counters(struct ap_enclave *enclave)
{
    struct sgx2_counters c;

    if (sgx2_counters_read(ap_enclave_fd(enclave), &c) < 0)
        fail("counters", "the model does not answer");
    return c;
}

static sgx_status_t note(void *ms)
{
    (void)ms;
    return SGX_SUCCESS;
}

static ap_ocall_fn *const ocalls[BASIC_OCALL_COUNT] = {note, note, note};
static const struct ap_ocall_table table = {BASIC_OCALL_COUNT, ocalls};

static void call(struct ap_enclave *enclave, int index, void *ms)
{
    if (ap_ecall(enclave, index, &table, ms) != SGX_SUCCESS)
        fail("ecall", ap_enclave_crash(enclave));
}

/* Leaves that run inside beside the two that enter and leave. */
static uint64_t inner_leaves(const struct sgx2_counters *c)
{
    return c->enclu[5] + c->enclu[6] + c->enclu[7];
}

static uint64_t sgx2_ioctls(const struct sgx2_counters *c)
{
    return c->ioctl_restrict + c->ioctl_modify_types + c->ioctl_remove;
}

/* A row of differences, per n operations. */
static void row(const char *name, const struct sgx2_counters *a, const struct sgx2_counters *b,
                double n, double seconds)
{
    const struct sgx2_counters spent = sgx2_counters_since(b, a);

    table_cell("%s", name);
    table_cell("%.0f", (double)spent.traps / n);
    table_cell("%.0f", (double)spent.enclu[2] / n);
    table_cell("%.0f", (double)spent.eexit / n);
    table_cell("%.0f", (double)spent.aex / n);
    table_cell("%.0f", (double)inner_leaves(&spent) / n);
    table_cell("%.0f", (double)sgx2_ioctls(&spent) / n);
    table_cell("%.0f", (double)spent.page_faults / n);
    table_cell("%.2f", seconds / n * 1e6);
    table_row_end();
}

static void measure_calls(struct ap_enclave *enclave)
{
    struct basic_ocall ocall = {.index = BASIC_OCALL_NOTE, .size = 8, .inside = 1};
    struct sgx2_counters a, b;
    double start, trap = trap_seconds();

    table_begin("Calls (per round trip)", model_columns);
    call(enclave, BASIC_NOP, NULL);
    call(enclave, BASIC_OCALL, &ocall);

    a = counters(enclave);
    start = table_now();
    for (int i = 0; i < CALLS; i++)
        call(enclave, BASIC_NOP, NULL);
    start = table_now() - start;
    b = counters(enclave);
    row("ecall", &a, &b, CALLS, start);

    a = counters(enclave);
    start = table_now();
    for (int i = 0; i < CALLS; i++)
        call(enclave, BASIC_OCALL, &ocall);
    start = table_now() - start;
    b = counters(enclave);
    row("ecall with one ocall", &a, &b, CALLS, start);

    table_cell("bare trap (UD2, signal, return)");
    table_cell("1");
    for (int i = 0; i < 6; i++)
        table_cell("-");
    table_cell("%.2f", trap * 1e6);
    table_row_end();
    table_end();
}

static void measure_load(const char *path)
{
    static const char *columns[] = {"operation", "pages",        "ADD_PAGES",
                                    "ioctls",    "milliseconds", NULL};
    struct ap_enclave *enclave;
    struct sgx2_counters c;
    double start = table_now();

    enclave = open_enclave(path);
    start = table_now() - start;
    c = counters(enclave);
    table_begin("Loading an enclave of 64 MiB of measured data", columns);
    table_cell("create");
    table_cell("%llu", (unsigned long long)c.encls[1]);
    table_cell("%llu", (unsigned long long)c.ioctl_add_pages);
    table_cell("%llu", (unsigned long long)(c.ioctl_create + c.ioctl_add_pages + c.ioctl_init +
                                            c.ioctl_restrict));
    table_cell("%.1f", start * 1e3);
    table_row_end();
    table_end();
    ap_enclave_destroy(enclave);
}

static void measure_publish(struct ap_enclave *enclave)
{
    static const uint64_t sizes[] = {1, 16, 256, 4096};
    struct basic_publish warm = {.region = "jit", .pages = 4096};

    /* The enclave's own buffers are touched for the first time here, not below. */
    call(enclave, BASIC_PUBLISH, &warm);
    table_begin("Publishing N pages of code (for the whole publish)", model_columns);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct basic_publish publish = {.region = "jit", .pages = sizes[i], .value = 7};
        struct sgx2_counters a = counters(enclave), b;
        double start = table_now();
        char name[32];

        call(enclave, BASIC_PUBLISH, &publish);
        start = table_now() - start;
        b = counters(enclave);
        if (publish.status != SGX_SUCCESS || publish.correct != sizes[i])
            fail("publish", "the enclave says that it failed");
        snprintf(name, sizeof name, "publish %llu", (unsigned long long)sizes[i]);
        row(name, &a, &b, 1, start);
    }
    table_end();
}

/* Bytes a second of `openssl speed` for SHA-256 in large blocks. */
static double openssl_speed(void)
{
    FILE *pipe = popen("openssl speed -seconds 3 -bytes 16384 -evp sha256 -mr 2>/dev/null", "r");
    char line[256];
    double speed = 0;

    while (pipe && fgets(line, sizeof line, pipe))
        if (strncmp(line, "+F:", 3) == 0)
            speed = strtod(strrchr(line, ':') + 1, NULL);
    if (pipe)
        pclose(pipe);
    return speed;
}

/* Processor seconds, as openssl speed counts them: both then bear a busy machine. */
static double run_sign(const char *tool, const char *enclave, const char *config, const char *key)
{
    char out[] = "/tmp/first-light.XXXXXX";
    struct rusage usage;
    int fd = mkstemp(out), status = 1;
    pid_t pid;

    close(fd);
    pid = fork();
    if (pid == 0) {
        execl(tool, tool, "sign", "-q", "-e", enclave, "-c", config, "-k", key, "-o", out, NULL);
        _exit(127);
    }
    wait4(pid, &status, 0, &usage);
    unlink(out);
    if (status != 0)
        fail(tool, "signing failed");
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void measure_sign(char **args)
{
    static const char *columns[] = {"operation", "CPU seconds", "MiB/s of enclave",
                                    "of the hash's limit", NULL};
    double best = 1e9, limit;

    for (int i = 0; i < 3; i++) {
        double seconds = run_sign(args[0], args[1], args[2], args[3]);

        if (seconds < best)
            best = seconds;
    }
    /* 320 bytes are hashed for 256 of enclave. */
    limit = openssl_speed() / 1.25;
    table_begin("Signing an enclave of 512 MiB of measured data", columns);
    table_cell("ap-sign sign");
    table_cell("%.3f", best);
    table_cell("%.0f", SIGN_BYTES / best / 1048576);
    table_cell("%.2f", SIGN_BYTES / best / limit);
    table_row_end();
    table_cell("openssl speed sha256 / 1.25");
    table_cell("%.3f", SIGN_BYTES / limit);
    table_cell("%.0f", limit / 1048576);
    table_cell("1.00");
    table_row_end();
    table_end();
}

/* The files stand where the build put them; it tells us. */
int main(int argc, char **argv)
{
    static char *sign[] = {AP_SIGN, SIGN_ENCLAVE, SIGN_CONFIG, SIGN_KEY};
    struct ap_enclave *enclave;

    table_mode(argc > 1 && strcmp(argv[1], "--csv") == 0);
    enclave = open_enclave(BENCH_ENCLAVE);
    measure_calls(enclave);
    measure_publish(enclave);
    ap_enclave_destroy(enclave);
    measure_load(LOAD_ENCLAVE);
    measure_sign(sign);
    return 0;
}

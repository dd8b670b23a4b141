/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/platform.h"
#include "unconfirmed.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VARIABLE "APERTURE_PLATFORM"
#define RANDOM   "random"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* What this process drew for itself, once; its forked children have it too. */
static struct {
    uint8_t seed[PLATFORM_SEED_SIZE];
    uint8_t key_id[32];
    bool has_seed, has_key_id;
} drawn;

__attribute__((format(printf, 2, 3))) static int refuse(const char *value, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "aperture: " VARIABLE "=%s", value);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return -EINVAL;
}

UNCONFIRMED(BOOT);

static bool draw(uint8_t *bytes, size_t size, bool *drawn_before)
{
    bool done;

    pthread_mutex_lock(&lock);
    done = *drawn_before || RAND_bytes(bytes, (int)size) == 1;
    *drawn_before = done;
    pthread_mutex_unlock(&lock);
    return done;
}

static bool draw_seed(void)
{
    return draw(drawn.seed, sizeof drawn.seed, &drawn.has_seed);
}

/* While there is one thread and main() has not looked at the environment. */
__attribute__((constructor)) static void plant_seed(void)
{
    const char *value = getenv(VARIABLE);
    char planted[sizeof RANDOM + 1 + 2 * PLATFORM_SEED_SIZE];
    size_t at;

    if (!value || strcmp(value, RANDOM) != 0 || !draw_seed())
        return;
    at = (size_t)sprintf(planted, RANDOM ":");
    for (size_t i = 0; i < sizeof drawn.seed; i++)
        at += (size_t)sprintf(planted + at, "%02x", drawn.seed[i]);
    setenv(VARIABLE, planted, 1);
}

static struct platform default_platform(void)
{
    struct platform platform = {.secret = {0}};

    for (size_t i = 0; i < sizeof platform.secret; i++)
        platform.secret[i] = (uint8_t)(0xa0 + i);
    for (size_t i = 0; i < sizeof platform.report_key_id; i++)
        platform.report_key_id[i] = (uint8_t)i;
    platform_default_svn(platform.cpu_svn);
    return platform;
}

static int from_seed(const char *value, struct platform *ret_platform)
{
    const char *digits = value + strlen(RANDOM ":");
    uint8_t seed[PLATFORM_SEED_SIZE];

    if (!platform_hex(digits, strlen(digits), seed, sizeof seed))
        return refuse(value, ": expected " RANDOM ":, then 64 hexadecimal digits");
    return platform_of_seed(seed, ret_platform) ? 0 : refuse(value, ": libcrypto has no SHA-512");
}

/* All of the file behind fd; the caller frees it. NULL and *ret_reason. */
static char *read_all(int fd, size_t *ret_size, const char **ret_reason)
{
    struct stat st;
    char *text;
    ssize_t got;

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        *ret_reason = "not a regular file";
        return NULL;
    }
    text = malloc(PLATFORM_FILE_MAX + 1);
    if (!text) {
        *ret_reason = strerror(ENOMEM);
        return NULL;
    }
    for (*ret_size = 0; *ret_size <= PLATFORM_FILE_MAX; *ret_size += (size_t)got) {
        got = read(fd, text + *ret_size, PLATFORM_FILE_MAX + 1 - *ret_size);
        if (got <= 0)
            break;
    }
    if (*ret_size <= PLATFORM_FILE_MAX && got == 0)
        return text;
    *ret_reason = *ret_size > PLATFORM_FILE_MAX ? "larger than 64 KiB" : strerror(errno);
    free(text);
    return NULL;
}

static int parse(const char *value, const char *text, size_t size, struct platform *ret_platform)
{
    struct platform_error error;
    struct platform platform;
    bool has_key_id;

    if (!platform_parse(text, size, &platform, &has_key_id, &error)) {
        if (error.line)
            return refuse(value, ":%zu: %s", error.line, error.text);
        return refuse(value, ": %s", error.text);
    }
    if (!has_key_id) {
        if (!draw(drawn.key_id, sizeof drawn.key_id, &drawn.has_key_id))
            return refuse(value, ": libcrypto has no random numbers");
        memcpy(platform.report_key_id, drawn.key_id, sizeof drawn.key_id);
    }
    *ret_platform = platform;
    return 0;
}

static int from_file(const char *path, struct platform *ret_platform)
{
    /* O_NONBLOCK: what turns out to be a FIFO must not hold the program up. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    const char *reason = NULL;
    char *text;
    size_t size;
    int r;

    if (fd < 0)
        return refuse(path, ": %s", strerror(errno));
    text = read_all(fd, &size, &reason);
    close(fd);
    if (!text)
        return refuse(path, ": %s", reason);
    r = parse(path, text, size, ret_platform);
    free(text);
    return r;
}

int platform_choose(struct platform *ret_platform)
{
    const char *value = getenv(VARIABLE);

    if (!value || !*value) {
        *ret_platform = default_platform();
        return 0;
    }
    if (strcmp(value, RANDOM) == 0)
        return draw_seed() && platform_of_seed(drawn.seed, ret_platform)
                   ? 0
                   : refuse(value, ": libcrypto has no random numbers");
    if (strncmp(value, RANDOM ":", strlen(RANDOM ":")) == 0)
        return from_seed(value, ret_platform);
    return from_file(value, ret_platform);
}

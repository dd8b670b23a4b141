/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PENDING_MAX 4

/* What a signal handler has to remove: strings that are freed only after they leave the list. */
static char *volatile pending[PENDING_MAX];

static void remove_pending(int signal_number)
{
    for (size_t i = 0; i < PENDING_MAX; i++) {
        if (pending[i])
            unlink(pending[i]);
    }
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void watch(char *temporary)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = remove_pending};

    for (size_t i = 0; i < PENDING_MAX; i++) {
        if (!pending[i]) {
            pending[i] = temporary;
            break;
        }
    }
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct sigaction old;

        /* What is ignored, as under nohup, stays ignored. */
        if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
    /* A limit on the file's size is then an error of write() like a full disk. */
    signal(SIGXFSZ, SIG_IGN);
}

static void unwatch(const char *temporary)
{
    for (size_t i = 0; i < PENDING_MAX; i++) {
        if (pending[i] == temporary)
            pending[i] = NULL;
    }
}

static char *temporary_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
    char *name = malloc(folder + sizeof ".ap-sign-XXXXXX");

    if (name) {
        memcpy(name, path, folder);
        strcpy(name + folder, ".ap-sign-XXXXXX");
    }
    return name;
}

static FILE *create(char *temporary)
{
    mode_t mask = umask(0);
    int fd = mkostemp(temporary, 0);
    FILE *file;

    umask(mask);
    if (fd < 0)
        return NULL;
    file = fchmod(fd, 0666 & ~mask) == 0 ? fdopen(fd, "wb") : NULL;
    if (!file) {
        close(fd);
        unlink(temporary);
    }
    return file;
}

int output_begin(struct output *output, const char *path, struct failure *failure)
{
    struct stat st;

    *output = (struct output){0};
    /* Renaming onto a device would replace the device. */
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return fail(failure, "%s: exists and is not a regular file", path);
    output->temporary = temporary_name(path);
    output->file = output->temporary ? create(output->temporary) : NULL;
    if (!output->file) {
        fail(failure, "%s: cannot be written: %s", path, strerror(errno));
        free(output->temporary);
        output->temporary = NULL;
        return -1;
    }
    output->path = path;
    watch(output->temporary);
    return 0;
}

int output_write(struct output *output, const void *bytes, size_t size, struct failure *failure)
{
    if (fwrite(bytes, 1, size, output->file) != size)
        return fail(failure, "%s: cannot be written: %s", output->path, strerror(errno));
    return 0;
}

static int finish(struct output *o, struct failure *failure)
{
    int ok = fflush(o->file) == 0 && fsync(fileno(o->file)) == 0;

    if (!ok)
        fail(failure, "%s: cannot be written: %s", o->path, strerror(errno));
    if (fclose(o->file) != 0 && ok)
        ok = fail(failure, "%s: cannot be written: %s", o->path, strerror(errno)) == 0;
    o->file = NULL;
    return ok ? 0 : -1;
}

static int put_in_place(struct output *o, struct failure *failure)
{
    if (rename(o->temporary, o->path) < 0)
        return fail(failure, "%s: cannot be written: %s", o->path, strerror(errno));
    unwatch(o->temporary);
    free(o->temporary);
    o->temporary = NULL;
    return 0;
}

int output_commit(struct output *outputs, size_t count, struct failure *failure)
{
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++)
        r = finish(&outputs[i], failure);
    for (size_t i = count; i-- > 0 && r == 0;)
        r = put_in_place(&outputs[i], failure);
    for (size_t i = 0; i < count; i++)
        output_abandon(&outputs[i]);
    return r;
}

void output_abandon(struct output *output)
{
    if (output->file)
        fclose(output->file);
    if (output->temporary) {
        unlink(output->temporary);
        unwatch(output->temporary);
        free(output->temporary);
    }
    *output = (struct output){0};
}

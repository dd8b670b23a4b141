/* SPDX-License-Identifier: Apache-2.0 */
#include "say.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* Names come out of files that somebody else wrote: keep them from steering the terminal. */
static void tame(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
    }
}

int fail(struct failure *failure, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(failure->text, sizeof failure->text, format, arguments);
    va_end(arguments);
    tame(failure->text);
    return -1;
}

__attribute__((format(printf, 2, 0))) static void say(const char *kind, const char *format,
                                                      va_list arguments)
{
    char text[1024];

    vsnprintf(text, sizeof text, format, arguments);
    tame(text);
    fprintf(stderr, "ap-sign: %s: %s\n", kind, text);
}

void say_error(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say("error", format, arguments);
    va_end(arguments);
}

void say_warning(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say("warning", format, arguments);
    va_end(arguments);
}

void say_at(const char *kind, const char *path, unsigned long line, unsigned long column,
            const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    tame(text);
    if (line)
        fprintf(stderr, "%s:%lu:%lu: %s: %s\n", path, line, column, kind, text);
    else
        fprintf(stderr, "%s: %s: %s\n", path, kind, text);
}

void say_hex(const char *name, const uint8_t *bytes, size_t size)
{
    printf("%-20s ", name);
    for (size_t i = 0; i < size; i++)
        printf("%02x", bytes[i]);
    putchar('\n');
}

void say_progress(void *what, uint64_t done, uint64_t total)
{
    if (!isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\r%s: %3" PRIu64 "%%", (const char *)what, done * 100 / total);
    if (done == total)
        fputs("\r\033[K", stderr);
}

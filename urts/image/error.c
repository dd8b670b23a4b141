/* SPDX-License-Identifier: Apache-2.0 */
#include "image/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME_SHOWN 80u

int image_fail(struct image_error *error, int errno_value, const char *name, const char *format,
               ...)
{
    size_t length = strlen(name);
    const char *tail = length > NAME_SHOWN ? name + (length - NAME_SHOWN) : name;
    int used = snprintf(error->text, sizeof error->text, "%s%s: ", tail == name ? "" : "...", tail);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error->text + used, sizeof error->text - (size_t)used, format, arguments);
    va_end(arguments);
    return -errno_value;
}

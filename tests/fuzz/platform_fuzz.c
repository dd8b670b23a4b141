/* SPDX-License-Identifier: Apache-2.0 */
/*
 * platform_fuzz.c - any bytes as the file of APERTURE_PLATFORM
 *
 * A refusal has a sentence in printable characters, names a line of the text, and leaves the
 * results alone. What is accepted says the same after it was written and read again.
 */
#include <assert.h>
#include <string.h>

#include "driver/platform.h"

static size_t lines(const uint8_t *data, size_t size)
{
    size_t count = 1;

    for (size_t i = 0; i < size; i++)
        count += data[i] == '\n';
    return count;
}

static void check_refusal(const struct platform_error *error, size_t most)
{
    const size_t length = strnlen(error->text, sizeof error->text);

    assert(length && length < sizeof error->text && error->line <= most);
    for (size_t i = 0; i < length; i++)
        assert(error->text[i] >= ' ' && error->text[i] <= '~');
}

static void check_again(const struct platform *platform)
{
    struct platform again, expected = *platform;
    struct platform_error error;
    char text[PLATFORM_TEXT_MAX];
    bool key_id = true;

    platform_write(platform, text);
    assert(platform_parse(text, strlen(text), &again, &key_id, &error) && !key_id);
    memset(expected.report_key_id, 0, sizeof expected.report_key_id);
    assert(memcmp(&again, &expected, sizeof again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct platform platform, untouched;
    struct platform_error error;
    bool key_id = true;

    memset(&platform, 0x5a, sizeof platform);
    untouched = platform;
    if (platform_parse((const char *)data, size, &platform, &key_id, &error)) {
        check_again(&platform);
    } else {
        assert(key_id && memcmp(&platform, &untouched, sizeof platform) == 0);
        check_refusal(&error, lines(data, size));
    }
    return 0;
}

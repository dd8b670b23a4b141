/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_fuzz.c - any bytes as a signing configuration
 *
 * A refusal has a sentence and leaves the result alone. What is accepted can be laid out, or is
 * refused for its size; what was laid out passes the loader's check.
 */
#include <assert.h>
#include <string.h>

#include "config.h"
#include "image/layout_check.h"
#include "layout.h"

static const struct elf image = {
    .name = "fuzz",
    .image_size = 0x9000,
    .entry = 0x1000,
    .tls_template = 0x5000,
    .tls_template_size = 8,
    .tls_size = 0x1040,
    .tls_align = 64,
    .relro_offset = 0x5000,
    .relro_pages = 1,
};

static void check_layout(const struct config *config)
{
    struct ap_layout layout;
    struct failure failure = {{0}};
    struct image_error error = {{0}};

    if (layout_make(config, &image, &layout, &failure) < 0)
        assert(failure.text[0]);
    else
        assert(layout_check(&layout, &image, &error) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config, untouched;
    struct config_error error = {0};

    memset(&config, 0x5a, sizeof config);
    untouched = config;
    if (config_parse((const char *)data, size, &config, &error) < 0) {
        assert(error.text[0] && (error.line == 0) == (error.column == 0));
        assert(memcmp(&config, &untouched, sizeof config) == 0);
        return 0;
    }
    check_layout(&config);
    return 0;
}

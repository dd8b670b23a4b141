/* SPDX-License-Identifier: Apache-2.0 */
/* sign.c - ap-sign sign: everything is read and decided before anything is written */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "config.h"
#include "date.h"
#include "illegal.h"
#include "image/elf.h"
#include "image/plan.h"
#include "key.h"
#include "layout.h"
#include "output.h"
#include "sigstruct.h"

#define ILLEGAL_SHOWN 20

/* What the command works on, in the order in which it comes to be. */
struct work {
    const struct sign_options *options;
    struct config config;
    EVP_PKEY *key;
    struct image image; /* the layout page and the SIGSTRUCT are put into its bytes */
    struct plan plan;
    struct sgx_sigstruct sig;
};

static int read_config(struct work *w)
{
    const char *path = w->options->config;
    struct config_error error;

    if (config_read(path, &w->config, &error) < 0) {
        say_at("error", path, error.line, error.column, "%s", error.text);
        return -1;
    }
    for (size_t i = 0; i < w->config.region_count; i++) {
        const struct config_region *r = &w->config.region[i];

        if (r->policy == AP_POLICY_RWX)
            say_at("warning", path, r->line, r->column,
                   "WRITABLE AND EXECUTABLE AT ONCE: region '%s' has policy rwx. Whoever can write "
                   "there can run what they wrote; 'publish' and 'toggle' never allow that",
                   r->name);
    }
    return 0;
}

struct illegal_count {
    const struct sign_options *options;
    long shown;
};

static void show_illegal(void *arg, const struct illegal *i)
{
    struct illegal_count *count = arg;
    char place[128] = "";

    if (count->shown++ >= ILLEGAL_SHOWN)
        return;
    if (i->function)
        snprintf(place, sizeof place, " <%.100s+0x%" PRIx64 ">", i->function, i->function_offset);
    (count->options->allow_illegal ? say_warning : say_error)("%s: 0x%" PRIx64 "%s: '%s' %s",
                                                              count->options->enclave, i->address,
                                                              place, i->text, i->why);
}

static int check_code(const struct work *w, const struct elf *elf)
{
    struct illegal_count count = {.options = w->options};
    long found = illegal_sweep(elf, show_illegal, &count);

    if (found < 0) {
        say_error("there is no memory to look through the code");
        return -1;
    }
    if (found > ILLEGAL_SHOWN)
        say_warning("%s: and %ld more of them", w->options->enclave, found - ILLEGAL_SHOWN);
    if (found > 0 && !w->options->allow_illegal) {
        say_error("%s: code that cannot run inside an enclave; --allow-illegal signs it all the "
                  "same",
                  w->options->enclave);
        return -1;
    }
    return 0;
}

/* The layout page takes its place in the file's bytes and in the image's copy. */
static int put_layout(struct work *w, const struct elf *elf)
{
    struct failure f;

    if (layout_make(&w->config, elf, &w->image.layout, &f) < 0) {
        say_error("%s: %s", w->options->config, f.text);
        return -1;
    }
    memcpy(w->image.bytes + w->image.layout_file_offset, &w->image.layout, sizeof w->image.layout);
    return 0;
}

static int prepare(struct work *w)
{
    struct image_error error;
    struct failure f;
    struct elf elf;

    if (read_config(w) < 0)
        return -1;
    if (key_load(w->options->key, &w->key, &f) < 0) {
        say_error("%s", f.text);
        return -1;
    }
    if (image_open(w->options->enclave, &w->image, &error) < 0 ||
        elf_parse(w->image.name, w->image.bytes, w->image.size, &elf, &error) < 0) {
        say_error("%s", error.text);
        return -1;
    }
    if (w->image.layout.magic) {
        say_error("%s: is signed already; sign the file that the linker made", w->options->enclave);
        return -1;
    }
    if (check_code(w, &elf) < 0 || put_layout(w, &elf) < 0)
        return -1;
    if (plan_make(&w->image, &w->plan, &error) < 0) {
        say_error("%s", error.text);
        return -1;
    }
    return 0;
}

static int make_signature(struct work *w)
{
    uint32_t date = w->options->date;
    uint8_t mrenclave[32];
    struct failure f;

    if (date == 0 && date_choose(&date, &f) < 0) {
        say_error("%s", f.text);
        return -1;
    }
    if (plan_measure(&w->plan, mrenclave, w->options->quiet ? NULL : say_progress, "measuring") <
        0) {
        say_error("libcrypto could not measure the enclave");
        return -1;
    }
    sigstruct_fill(&w->config, &w->image.layout, mrenclave, date, &w->sig);
    if (sigstruct_sign(&w->sig, w->key, &f) < 0) {
        say_error("%s", f.text);
        return -1;
    }
    memcpy(w->image.bytes + w->image.signature_file_offset, &w->sig, sizeof w->sig);
    return 0;
}

/* The loader will read these bytes: read them as it does. */
static int check_result(const struct work *w)
{
    struct image_error error;
    struct image again;
    int good;

    if (image_from_memory(w->options->output, w->image.bytes, w->image.size, &again, &error) < 0) {
        say_error("the signed file would be refused: %s", error.text);
        return -1;
    }
    good = image_is_signed(&again) &&
           memcmp(&again.layout, &w->image.layout, sizeof again.layout) == 0 &&
           memcmp(&again.sigstruct, &w->sig, sizeof w->sig) == 0;
    image_close(&again);
    if (!good)
        say_error("%s: signing would change what is signed", w->options->enclave);
    return good ? 0 : -1;
}

struct sgxs_sink {
    struct output *output;
    struct failure *failure;
};

static int write_records(void *arg, const void *bytes, size_t size)
{
    struct sgxs_sink *s = arg;

    return output_write(s->output, bytes, size, s->failure);
}

static int write_sgxs(const struct work *w, struct output *output, struct failure *f)
{
    struct sgxs_sink sink = {output, f};

    if (output_begin(output, w->options->sgxs, f) < 0)
        return -1;
    return plan_replay(&w->plan, write_records, &sink, w->options->quiet ? NULL : say_progress,
                       "writing records");
}

static int write_outputs(const struct work *w)
{
    struct output outputs[2] = {0};
    size_t count = 1;
    struct failure f;
    int r = output_begin(&outputs[0], w->options->output, &f);

    if (r == 0)
        r = output_write(&outputs[0], w->image.bytes, w->image.size, &f);
    if (r == 0 && w->options->sgxs) {
        r = write_sgxs(w, &outputs[1], &f);
        count = 2;
    }
    if (r == 0)
        r = output_commit(outputs, count, &f);
    output_abandon(&outputs[1]);
    output_abandon(&outputs[0]);
    if (r < 0)
        say_error("%s", f.text);
    return r;
}

static void show_result(const struct work *w)
{
    uint8_t mrsigner[32];
    struct failure f;

    say_hex("MRENCLAVE", w->sig.enclave_hash, sizeof w->sig.enclave_hash);
    if (sigstruct_mrsigner(&w->sig, mrsigner, &f) == 0)
        say_hex("MRSIGNER", mrsigner, sizeof mrsigner);
}

int command_sign(const struct sign_options *options)
{
    struct work w = {.options = options};
    int r = prepare(&w);

    if (r == 0)
        r = make_signature(&w);
    if (r == 0)
        r = check_result(&w);
    if (r == 0)
        r = write_outputs(&w);
    if (r == 0 && !options->quiet)
        show_result(&w);
    plan_free(&w.plan);
    image_close(&w.image);
    EVP_PKEY_free(w.key);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

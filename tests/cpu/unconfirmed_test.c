/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/unconfirmed.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* MODEL_CPU_DIR is the folder of the sources, from CMake. */

#define ROW(name, question, choice) {#name, question, choice},

static const struct {
    const char *name, *question, *choice;
} rows[] = {CPU_UNCONFIRMED(ROW)};

#define ROWS (sizeof rows / sizeof rows[0])

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t size = 0;

    cr_assert_not_null(file, "%s", path);
    cr_assert(getdelim(&text, &size, '\0', file) > 0);
    fclose(file);
    return text;
}

static void count_claims(const char *text, unsigned *counts)
{
    char claim[128];

    for (size_t i = 0; i < ROWS; i++) {
        snprintf(claim, sizeof claim, "\nUNCONFIRMED(%s);\n", rows[i].name);
        counts[i] += strstr(text, claim) != NULL;
    }
}

Test(unconfirmed, each_choice_is_claimed_by_the_code_that_makes_it)
{
    unsigned counts[ROWS] = {0}, files = 0;
    DIR *folder = opendir(MODEL_CPU_DIR);
    struct dirent *entry;

    cr_assert_not_null(folder);
    while ((entry = readdir(folder))) {
        const char *end = strrchr(entry->d_name, '.');
        char path[4096], *text;

        if (!end || strcmp(end, ".c") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", MODEL_CPU_DIR, entry->d_name);
        text = read_file(path);
        count_claims(text, counts);
        free(text);
        files++;
    }
    closedir(folder);
    cr_expect_gt(files, 20);
    for (size_t i = 0; i < ROWS; i++)
        cr_expect_gt(counts[i], 0, "%s is claimed by no file", rows[i].name);
}

Test(unconfirmed, each_row_asks_and_answers)
{
    cr_expect_eq(ROWS, CPU_UNCONFIRMED_COUNT);
    for (size_t i = 0; i < ROWS; i++) {
        cr_expect_gt(strlen(rows[i].question), 15, "%s", rows[i].name);
        cr_expect_gt(strlen(rows[i].choice), 2, "%s", rows[i].name);
    }
}

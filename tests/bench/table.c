/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROWS 256
#define CELL 48

static bool csv;
static const char *title;
static size_t columns, rows, cell;
static char cells[ROWS][TABLE_COLUMNS][CELL]; /* row 0: the column names */

void table_mode(bool as_csv)
{
    csv = as_csv;
}

void table_begin(const char *what, const char *const *names)
{
    title = what;
    rows = 1;
    cell = 0;
    for (columns = 0; names[columns] && columns < TABLE_COLUMNS; columns++)
        snprintf(cells[0][columns], CELL, "%s", names[columns]);
}

void table_cell(const char *format, ...)
{
    va_list args;

    if (rows >= ROWS || cell >= columns)
        abort();
    va_start(args, format);
    vsnprintf(cells[rows][cell++], CELL, format, args);
    va_end(args);
}

void table_row_end(void)
{
    while (cell < columns)
        cells[rows][cell++][0] = '\0';
    rows++;
    cell = 0;
}

static int column_width(size_t column)
{
    size_t width = 0;

    for (size_t row = 0; row < rows; row++)
        if (strlen(cells[row][column]) > width)
            width = strlen(cells[row][column]);
    return (int)width;
}

void table_end(void)
{
    if (!csv)
        printf("\n%s\n\n", title);
    for (size_t row = 0; row < rows; row++) {
        for (size_t column = 0; column < columns; column++) {
            if (csv)
                printf("%s%s", column ? "," : "", cells[row][column]);
            else if (column == 0)
                printf("  %-*s", column_width(0), cells[row][0]);
            else
                printf("  %*s", column_width(column), cells[row][column]);
        }
        putchar('\n');
    }
    fflush(stdout);
}

double table_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "date.h"

static struct failure failure;

Test(date, a_date_becomes_binary_coded_decimal)
{
    uint32_t date;

    cr_assert_eq(date_parse("20240229", &date, &failure), 0);
    cr_assert_eq(date, 0x20240229);
    cr_assert_eq(date_parse("19991231", &date, &failure), 0);
    cr_assert_eq(date, 0x19991231);
}

Test(date, what_is_not_in_the_calendar_is_refused)
{
    static const char *const bad[] = {"",         "2024",     "2024-01-01", "20240100",
                                      "20240001", "20241301", "20240230",   "20230229",
                                      "19000229", "20240431", "00000101",   "202401011",
                                      "2024010a", " 2024010", "+2024010"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint32_t date = 5;

        cr_expect_lt(date_parse(bad[i], &date, &failure), 0, "'%s'", bad[i]);
        cr_expect_eq(date, 5);
        cr_expect(strstr(failure.text, "expected YYYYMMDD"));
    }
}

Test(date, source_date_epoch_is_taken_in_utc_whatever_the_time_zone)
{
    uint32_t date;

    setenv("TZ", "Pacific/Kiritimati", 1);
    setenv("SOURCE_DATE_EPOCH", "1704067199", 1); /* a second before 2024 */
    cr_assert_eq(date_choose(&date, &failure), 0);
    cr_assert_eq(date, 0x20231231);
}

Test(date, a_source_date_epoch_that_is_no_time_is_refused)
{
    static const char *const bad[] = {"", "now", "-1", "253402300800", "99999999999999999999"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint32_t date;

        setenv("SOURCE_DATE_EPOCH", bad[i], 1);
        cr_expect_lt(date_choose(&date, &failure), 0, "'%s'", bad[i]);
        cr_expect(strstr(failure.text, "SOURCE_DATE_EPOCH is"));
    }
}

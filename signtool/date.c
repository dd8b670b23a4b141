/* SPDX-License-Identifier: Apache-2.0 */
#include "date.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config_value.h"

#define LAST_SECOND UINT64_C(253402300799) /* of the year 9999 */

static unsigned days_in(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

int date_parse(const char *text, uint32_t *ret_date, struct failure *failure)
{
    unsigned year, month, day;
    uint32_t date = 0;

    if (strlen(text) != 8 || strspn(text, "0123456789") != 8 ||
        sscanf(text, "%4u%2u%2u", &year, &month, &day) != 3 || year == 0 || month < 1 ||
        month > 12 || day < 1 || day > days_in(year, month))
        return fail(failure, "'%.40s' is not a date; expected YYYYMMDD", text);
    for (int i = 0; i < 8; i++)
        date = date << 4 | (uint32_t)(text[i] - '0');
    *ret_date = date;
    return 0;
}

int date_choose(uint32_t *ret_date, struct failure *failure)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    uint64_t seconds = 0;
    time_t when = time(NULL);
    struct tm tm;
    char text[16];

    if (epoch) {
        if (!number_parse(epoch, &seconds) || seconds > LAST_SECOND)
            return fail(failure,
                        "SOURCE_DATE_EPOCH is '%.40s'; expected seconds since 1970, before the "
                        "year 10000",
                        epoch);
        when = (time_t)seconds;
    }
    if (!gmtime_r(&when, &tm) || strftime(text, sizeof text, "%Y%m%d", &tm) == 0)
        return fail(failure, "the system's clock shows no usable date");
    return date_parse(text, ret_date, failure);
}

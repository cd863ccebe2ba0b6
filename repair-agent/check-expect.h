/* What a helper has to be and to show for the disks of its cloud to be found:
 * the part of --check that only the controller can ask for (protocol.h,
 * "check"). */

#ifndef BOOTMEND_CHECK_EXPECT_H
#define BOOTMEND_CHECK_EXPECT_H

#include <base/json.h>

/* Adds {name, level, detail, advice} for each of the things that are expected.
 */
void check_expected (const json_t *expect, json_t *items);

#endif

/* What the drivers of the fake clouds share: a cloud of a usual fleet, a look
 * at its state, a control; JSON with ' for ". */

#ifndef BOOTMEND_TEST_DRIVE_H
#define BOOTMEND_TEST_DRIVE_H

#include <fake-cloud/fake-cloud.h>

/* The fleet with `patch` (RFC 7386, may be NULL) merged in; its clock begins at
 * start_ms. */
struct fake_cloud *drive_cloud (const char *fleet, const char *patch,
                                struct fake_clock *clock, int64_t start_ms);
/* A member of an object's state by path ("": all of it), as text ("" if
 * missing); valid until the next call.  Cloud NULL: frees it. */
const char *drive_state (struct fake_cloud *cloud, const char *id,
                         const char *path);
void drive_control (struct fake_cloud *cloud, const char *op);

#endif

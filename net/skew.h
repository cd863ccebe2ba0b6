/* How wrong this machine's clock is, by the Date headers of replies.
 *
 * A signature that is minutes off is refused with words that lead astray
 * ("signature does not match"), and a credential's end is misjudged.  libcurl's
 * SigV4 signs with the machine's clock and can't be given another time (7.88.1
 * sends a given X-Amz-Date twice), so skew is not corrected but said. */

#ifndef BOOTMEND_SKEW_H
#define BOOTMEND_SKEW_H

#include <stdbool.h>
#include <stdint.h>

#include "http.h"

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7: IMF-fixdate, the only form
 * that may be sent today), as ms since 1970; -1 if it is none. */
int http_date_parse_ms (const char *text, int64_t *wall_ms);

/* By how much the service's clock is ahead of ours (negative: behind), the
 * smallest value that fits: a Date has whole seconds and was written some time
 * between our sending and receiving.  false if the reply has no usable Date. */
bool http_skew_ms (const struct http_reply *reply, int64_t sent_wall_ms,
                   int64_t received_wall_ms, int64_t *skew_ms);

/* From here on it is said: AWS refuses signatures from 5 minutes off (IAM User
 * Guide, "AWS Signature Version 4"), so a minute leaves time to act. */
#define SKEW_WORTH_SAYING_MS 60000

/* "this machine's clock is 7 min 3 s behind the one of HOST: set it
 * (timedatectl status)", or NULL if the skew is too small to matter. */
char *skew_text (int64_t skew_ms, const char *host);

#endif

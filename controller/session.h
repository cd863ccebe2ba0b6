/* Who is at work on a campaign now, for its history. */

#ifndef BOOTMEND_SESSION_H
#define BOOTMEND_SESSION_H

#include <base/json.h>

/* {user, uid, host, pid, from, version, command: [argv],
 *  recipe: {name, version}, recipe_sha256, origin}: `from` is the address that
 * an SSH session came from, if this is one.  campaign: its data. */
json_t *session_describe (const json_t *campaign);

#endif

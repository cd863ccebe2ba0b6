/* What simulated agents answer (protocol/protocol.h, "result"). */

#ifndef BOOTMEND_SIM_AGENT_RESULTS_H
#define BOOTMEND_SIM_AGENT_RESULTS_H

#include <base/json.h>

json_t *agent_refused (const char *code);
json_t *agent_failed (const char *code);
json_t *agent_outcome (const char *name, bool resumed);

#endif

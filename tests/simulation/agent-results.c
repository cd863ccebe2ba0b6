#include "agent-results.h"

json_t *
agent_refused (const char *code)
{
  return json_make ("{s:s,s:s,s:s}", "outcome", "refused", "refusal", code,
                    "reason", "because");
}

json_t *
agent_failed (const char *code)
{
  return json_make ("{s:s,s:b,s:{s:s,s:s}}", "outcome", "failed", "changed",
                    false, "error", "code", code, "message", "so it is");
}

json_t *
agent_outcome (const char *name, bool resumed)
{
  return json_make ("{s:s,s:b}", "outcome", name, "resumed", resumed);
}

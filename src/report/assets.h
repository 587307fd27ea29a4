/* The style sheet and the charts' script of console/, as the build put them into the library. */
#ifndef KAIROS_REPORT_ASSETS_H
#define KAIROS_REPORT_ASSETS_H

#include <stddef.h>

const char *asset_style(size_t *ret_size);
/* Size 0 where the build had no Node: the page then has tables only. */
const char *asset_script(size_t *ret_size);

#endif

#include "collect/commerce.h"

#include <ctype.h>
#include <string.h>

enum { NAME_BYTES = 48 };

/* Letters and digits only, in lower case. */
static const char *const NAMES[][2] = {
    {"productviewed", "view"},
    {"viewitem", "view"},
    {"productview", "view"},
    {"productclicked", "click"},
    {"selectitem", "click"},
    {"selectcontent", "click"},
    {"productlistviewed", "list"},
    {"productlistfiltered", "list"},
    {"viewitemlist", "list"},
    {"productssearched", "search"},
    {"search", "search"},
    {"viewsearchresults", "search"},
    {"sitesearch", "search"},
    {"productadded", "cart"},
    {"addtocart", "cart"},
    {"productremoved", "uncart"},
    {"removefromcart", "uncart"},
    {"cartviewed", "cart-view"},
    {"viewcart", "cart-view"},
    {"checkoutstarted", "checkout"},
    {"begincheckout", "checkout"},
    {"checkoutstepviewed", "checkout-step"},
    {"checkoutstepcompleted", "checkout-step"},
    {"addshippinginfo", "checkout-step"},
    {"paymentinfoentered", "payment"},
    {"addpaymentinfo", "payment"},
    {"ordercompleted", "order"},
    {"purchase", "order"},
    {"completedorder", "order"},
    {"orderplaced", "order"},
    {"orderupdated", "order-update"},
    {"orderrefunded", "refund"},
    {"refund", "refund"},
    {"ordercancelled", "cancel"},
    {"couponentered", "coupon"},
    {"couponapplied", "coupon"},
    {"coupondenied", "coupon-denied"},
    {"couponremoved", "coupon-removed"},
    {"productaddedtowishlist", "wish"},
    {"addtowishlist", "wish"},
    {"productremovedfromwishlist", "unwish"},
    {"wishlistproductaddedtocart", "cart"},
    {"productshared", "share"},
    {"cartshared", "share"},
    {"share", "share"},
    {"productreviewed", "review"},
    {"promotionviewed", "promotion"},
    {"viewpromotion", "promotion"},
    {"promotionclicked", "promotion-click"},
    {"selectpromotion", "promotion-click"},
    {"signedup", "sign-up"},
    {"signup", "sign-up"},
    {"signedin", "sign-in"},
    {"login", "sign-in"},
    {"pageview", "page"},
    {"pageviewed", "page"},
    {"screenview", "screen"},
    {"generatelead", "lead"},
};

const char *commerce_type(struct slice name) {
    char plain[NAME_BYTES];
    size_t size = 0;
    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c >= 0x80) return NULL;
        if (!isalnum(c)) continue;
        if (size + 1 == sizeof plain) return NULL;
        plain[size++] = (char)tolower(c);
    }
    plain[size] = '\0';
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcmp(plain, NAMES[i][0]) == 0) return NAMES[i][1];
    return NULL;
}

int commerce_is_bot(struct slice agent) {
    /* Parts of agents that say what they are. "cubot" is a telephone. */
    static const char *const PARTS[] = {
        "bot",           "crawl",          "spider",     "slurp",           "headless",
        "lighthouse",    "pingdom",        "uptime",     "phantomjs",       "facebookexternalhit",
        "mediapartners", "preview",        "scrapy",     "python-requests", "curl/",
        "wget/",         "go-http-client", "monitoring", "ahrefs",          "semrush",
        "gptbot",        "archiver",       "axios/"};
    char lower[512];
    size_t size = agent.size < sizeof lower - 1 ? agent.size : sizeof lower - 1;
    for (size_t i = 0; i < size; i++) lower[i] = (char)tolower((unsigned char)agent.data[i]);
    lower[size] = '\0';
    if (strstr(lower, "cubot")) return 0;
    for (size_t i = 0; i < sizeof PARTS / sizeof *PARTS; i++)
        if (strstr(lower, PARTS[i])) return 1;
    return 0;
}

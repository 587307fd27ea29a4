document.documentElement.dataset.charts = "0";

// Replaces each chart's picture on the screen by one that shows every minute, by uPlot.
// Without scripts, and in print, the pictures stay.
(function () {
"use strict";

const DAY = 86400;
const sets = JSON.parse(document.getElementById("data").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");

// ---- data -------------------------------------------------------------------

// A run of minutes ends with a point that keeps the last value until the minute is over,
// and is parted from the next run by a point without value.
function spread(runs, values) {
    const out = [];
    let at = 0;
    for (const [, count] of runs) {
        for (let i = 0; i < count; i++) {
            out.push(values[at++]);
        }
        out.push(values[at - 1], null);
    }
    return out;
}

function timesOf(runs) {
    const out = [];
    for (const [begin, count] of runs) {
        for (let i = 0; i < count; i++) {
            out.push((begin + i) * 60);
        }
        out.push((begin + count) * 60, (begin + count) * 60 + 1);
    }
    return out;
}

// Places of minutes among all points.
function minutesOf(runs) {
    const out = [];
    let at = 0;
    for (const [, count] of runs) {
        for (let i = 0; i < count; i++) {
            out.push(at++);
        }
        at += 2;
    }
    return out;
}

function stack(series) {
    const out = [];
    let below = null;
    for (const values of series) {
        const sums = below === null ? values : values.map((v, i) => (v === null ? null : v + below[i]));
        out.push(sums);
        below = sums;
    }
    return out;
}

// ---- texts --------------------------------------------------------------------

const UTC = "UTC";
const whole = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: UTC });
const day = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", timeZone: UTC });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: UTC });
const count = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

function valueText(chart, value) {
    if (value === null || value === undefined) {
        return "-";
    }
    return chart.percent ? count.format(value * 100) + " %" : count.format(value);
}

// ---- one chart ------------------------------------------------------------------

function color(name) {
    return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

function drawLimit(u, chart) {
    if (chart.limit === null || chart.limit > u.scales.y.max) {
        return;
    }
    const ctx = u.ctx;
    const y = u.valToPos(chart.limit, "y", true);
    ctx.save();
    ctx.strokeStyle = color("ink");
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.setLineDash([7 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(u.bbox.left, y);
    ctx.lineTo(u.bbox.left + u.bbox.width, y);
    ctx.stroke();
    ctx.restore();
    const left = chart.mark !== null && 2 * (chart.mark[0] * 60 - u.scales.x.min) > u.scales.x.max - u.scales.x.min;
    write(u, chart.limitName, u.bbox.left + (left ? 4 : u.bbox.width - 4), y - 6 * devicePixelRatio, left ? "left" : "right");
}

function drawMark(u, chart) {
    if (chart.mark === null) {
        return;
    }
    const at = chart.mark[0] * 60 + 30;
    if (at < u.scales.x.min || at > u.scales.x.max) {
        return;
    }
    const ctx = u.ctx;
    const x = u.valToPos(at, "x", true);
    const y = u.valToPos(chart.mark[1], "y", true);
    ctx.save();
    ctx.beginPath();
    ctx.arc(x, y, 4 * devicePixelRatio, 0, 2 * Math.PI);
    ctx.fillStyle = color("paper");
    ctx.fill();
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.strokeStyle = color("ink");
    ctx.stroke();
    ctx.restore();
    const right = x > u.bbox.left + u.bbox.width / 2;
    write(u, chart.mark[2], x + (right ? -8 : 8) * devicePixelRatio, y + 16 * devicePixelRatio, right ? "right" : "left");
}

// What lies between two runs of minutes.
function gapsOf(u, runs) {
    const out = [];
    for (let i = 1; i < runs.length; i++) {
        const from = u.valToPos((runs[i - 1][0] + runs[i - 1][1]) * 60, "x", true);
        const to = u.valToPos(runs[i][0] * 60, "x", true);
        const left = Math.max(from, u.bbox.left);
        const right = Math.min(to, u.bbox.left + u.bbox.width);
        if (right > left) {
            out.push([left, right]);
        }
    }
    return out;
}

function drawGaps(u, runs) {
    u.ctx.save();
    u.ctx.fillStyle = color("gap");
    for (const [left, right] of gapsOf(u, runs)) {
        u.ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
    }
    u.ctx.restore();
}

function drawGapTexts(u, runs) {
    for (const [left, right] of gapsOf(u, runs)) {
        if (right - left > 80 * devicePixelRatio) {
            write(u, "no data", (left + right) / 2, u.bbox.top + u.bbox.height / 2, "center");
        }
    }
}

function write(u, words, x, y, align) {
    const ctx = u.ctx;
    ctx.save();
    ctx.font = "600 " + 12 * devicePixelRatio + "px system-ui, sans-serif";
    ctx.textAlign = align;
    ctx.lineJoin = "round";
    ctx.lineWidth = 3 * devicePixelRatio;
    ctx.strokeStyle = color("paper");
    ctx.strokeText(words, x, y);
    ctx.fillStyle = color("ink");
    ctx.fillText(words, x, y);
    ctx.restore();
}

function axesOf(chart) {
    const common = {
        stroke: color("dim"),
        font: "12px system-ui, sans-serif",
        grid: { stroke: color("rule"), width: 1 },
        ticks: { show: false },
    };
    const times = (u, splits, axis, space, step) =>
        splits.map((s) => (step >= DAY || s % DAY === 0 ? day.format(s * 1000) : clock.format(s * 1000)));
    const values = (u, splits) => splits.map((s) => (chart.percent ? count.format(s * 100) + " %" : short.format(s)));
    const wholes = [];
    for (let ten = 1; ten < 1e15; ten *= 10) {
        wholes.push(ten, 2 * ten, 5 * ten);
    }
    const steps = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, DAY, 2 * DAY, 7 * DAY];
    return [
        { ...common, values: times, space: 64, size: 30, incrs: steps },
        { ...common, values, size: 54, space: 40, incrs: chart.percent ? [0.01, 0.02, 0.05, 0.1, 0.25, 0.5] : wholes },
    ];
}

function seriesOf(chart) {
    // The highest area first: the others are drawn upon it.
    const order = chart.series.map((s, n) => n).reverse();
    return order.map((n) => {
        const stroke = color(chart.series[n].css);
        return {
            n,
            stroke,
            fill: chart.filled ? stroke : undefined,
            width: chart.filled ? 1 : 1.6,
            dash: chart.series[n].css === "written" ? [5, 2] : undefined,
            paths: uPlot.paths.stepped({ align: 1 }),
            points: { show: false },
        };
    });
}

function yRange(chart) {
    return (u, min, max) => [chart.bottom, chart.top !== null ? chart.top : max > chart.bottom ? max * 1.08 : chart.bottom + 1];
}

class Live {
    constructor(set, figure, chart) {
        Object.assign(this, { set, figure, chart });
        this.values = figure.querySelectorAll("[data-series]");
        this.at = figure.querySelector(".at");
        this.svg = figure.querySelector("svg.plot");
        this.box = document.createElement("div");
        this.box.className = "canvas";
        this.box.tabIndex = 0;
        this.box.setAttribute("role", "group");
        this.box.setAttribute("aria-labelledby", chart.id + "-title");
        this.box.setAttribute("aria-describedby", chart.id + "-note keys");
        this.spoken = document.createElement("output");
        this.spoken.className = "unseen";
        this.svg.before(this.box, this.spoken);
        this.raw = chart.series.map((s) => spread(set.runs, s.values));
        const drawn = chart.stacked ? stack(this.raw) : this.raw;
        this.data = [set.times, ...drawn.slice().reverse()];
        this.box.addEventListener("keydown", (event) => this.onKey(event));
        this.box.addEventListener("blur", () => this.show(null));
        figure.classList.add("live");
        this.build();
    }

    build() {
        const range = this.plot ? { min: this.plot.scales.x.min, max: this.plot.scales.x.max } : this.set.range;
        if (this.plot) {
            this.plot.destroy();
        }
        const chart = this.chart;
        this.plot = new uPlot({
            width: this.box.clientWidth,
            height: 234,
            padding: [12, 20, 0, 0],    // a time at the edge has room
            legend: { show: false },
            tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), UTC),
            cursor: { y: false, points: { show: false }, sync: { key: this.set.name, scales: ["x", null] }, drag: { x: true, y: false, setScale: true } },
            scales: { x: { range: (u, min, max) => [min, max] }, y: { range: yRange(chart) } },
            axes: axesOf(chart),
            series: [{}, ...seriesOf(chart)],
            hooks: {
                drawClear: [(u) => drawGaps(u, this.set.runs)],
                draw: [(u) => { drawGapTexts(u, this.set.runs); drawLimit(u, chart); drawMark(u, chart); }],
                setCursor: [(u) => this.show(u.cursor.left >= 0 ? u.cursor.idx : null)],
                setScale: [(u, key) => key === "x" && this.set.follow(this, u.scales.x.min, u.scales.x.max)],
            },
        }, this.data, this.box);
        this.zoom(range.min, range.max);
        // A double click shows all of it again, for all charts.
        this.plot.over.addEventListener("dblclick", () => this.set.zoom(this.set.range.min, this.set.range.max));
    }

    zoom(min, max) {
        this.plot.setScale("x", { min, max });
    }

    show(index) {
        const time = index === null || index === undefined ? null : this.set.times[index];
        this.at.textContent = time === null ? "" : whole.format(time * 1000);
        for (const cell of this.values) {
            cell.textContent = time === null ? "" : valueText(this.chart, this.raw[cell.dataset.series][index]);
        }
    }

    speak(index) {
        const parts = this.chart.series.map((s, n) => s.name + " " + valueText(this.chart, this.raw[n][index]));
        this.spoken.textContent = whole.format(this.set.times[index] * 1000) + ": " + parts.join(", ");
    }

    // Of the minute under the cursor, or in the middle.
    minute() {
        const { cursor, scales } = this.plot;
        const none = cursor.idx === null || cursor.idx === undefined || cursor.left < 0;
        const point = none ? this.plot.valToIdx((scales.x.min + scales.x.max) / 2) : cursor.idx;
        return Math.max(0, this.set.minutes.findLastIndex((minute) => minute <= point));
    }

    onKey(event) {
        const last = this.set.minutes.length - 1;
        const from = this.minute();
        const step = event.shiftKey ? 60 : 1;
        const to = { ArrowLeft: from - step, ArrowRight: from + step, Home: 0, End: last }[event.key];
        if (event.key === "Escape") {
            this.set.zoom(this.set.range.min, this.set.range.max);
        } else if (event.key === "+" || event.key === "-") {
            const half = (this.plot.scales.x.max - this.plot.scales.x.min) * (event.key === "+" ? 0.25 : 1);
            const middle = this.set.times[this.set.minutes[from]];
            this.set.zoom(middle - half, middle + half);
        } else if (to !== undefined) {
            const index = this.set.minutes[Math.min(last, Math.max(0, to))];
            this.plot.setCursor({ left: this.plot.valToPos(this.set.times[index], "x"), top: 10 }, true, true);
            this.speak(index);
        } else {
            return;
        }
        event.preventDefault();
    }
}

// ---- charts that are zoomed together ------------------------------------------------

class Group {
    constructor(name, data) {
        this.name = name;
        this.runs = data.runs;
        this.times = timesOf(data.runs);
        this.minutes = minutesOf(data.runs);
        const last = data.runs[data.runs.length - 1];
        this.range = { min: data.runs[0][0] * 60, max: (last[0] + last[1]) * 60 };
        this.busy = true;
        this.live = [];
        for (const chart of data.charts) {
            const figure = document.querySelector('[data-chart="' + chart.id + '"]');
            this.live.push(new Live(this, figure, chart));
        }
        this.busy = false;
        this.buttons(data.charts);
    }

    // One was zoomed by the mouse: so are the others.
    follow(from, min, max) {
        if (this.busy) {
            return;
        }
        this.busy = true;
        for (const live of this.live) {
            if (live !== from) {
                live.zoom(min, max);
            }
        }
        this.busy = false;
        this.press(min, max);
    }

    zoom(min, max) {
        min = Math.max(min, this.range.min);
        max = Math.min(max, this.range.max);
        if (max - min < 120 && max - min < this.range.max - this.range.min) {
            return;
        }
        this.busy = true;
        for (const live of this.live) {
            live.zoom(min, max);
        }
        this.busy = false;
        this.press(min, max);
    }

    buttons(charts) {
        const box = document.querySelector('.ranges[data-set="' + this.name + '"]');
        const { min, max } = this.range;
        const mark = charts.map((c) => c.mark).find((m) => m !== null);
        const choices = [["everything", min, max]];
        for (const [name, seconds] of [["last day", DAY], ["last 6 hours", DAY / 4], ["last hour", 3600]]) {
            if (max - min > seconds * 1.2) {
                choices.push([name, max - seconds, max]);
            }
        }
        if (mark && max - min > 3 * 3600) {
            choices.push(["around the peak", Math.max(min, mark[0] * 60 - 3600), Math.min(max, mark[0] * 60 + 3600)]);
        }
        this.pressed = [];
        if (!box || choices.length < 2) {
            return;
        }
        box.setAttribute("role", "group");
        box.setAttribute("aria-label", "Range of the charts");
        box.append("Show");
        for (const [name, from, to] of choices) {
            const button = document.createElement("button");
            button.type = "button";
            button.textContent = name;
            button.addEventListener("click", () => this.zoom(from, to));
            box.append(button);
            this.pressed.push([button, from, to]);
        }
        const hint = document.createElement("span");
        hint.textContent = "or drag over a chart; double-click shows all again";
        box.append(hint);
        this.press(min, max);
    }

    press(min, max) {
        for (const [button, from, to] of this.pressed || []) {
            button.setAttribute("aria-pressed", String(Math.abs(from - min) < 1 && Math.abs(to - max) < 1));
        }
    }

    rebuild() {
        this.busy = true;
        this.live.forEach((live) => live.build());
        this.busy = false;
    }

    resize() {
        for (const live of this.live) {
            live.plot.setSize({ width: live.box.clientWidth, height: 234 });
        }
    }
}

const keys = document.createElement("p");
keys.id = "keys";
keys.className = "unseen";
keys.textContent = "Left and right arrow move by a minute, with shift by an hour; plus and minus zoom; escape shows all.";
document.body.append(keys);
const groups = Object.entries(sets).map(([name, data]) => new Group(name, data));
dark.addEventListener("change", () => groups.forEach((group) => group.rebuild()));
let width = innerWidth;
addEventListener("resize", () => {
    if (innerWidth !== width) {
        width = innerWidth;
        groups.forEach((group) => group.resize());
    }
});
document.documentElement.dataset.ready = "true";
})();

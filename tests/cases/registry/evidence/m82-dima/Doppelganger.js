// A comment with a brace { and a domain: "not.example.com"
const doppelgangerDomains = [
  {
    domain: "iht.example.cfd",
    matchType: "exact",
    reason: "Clone de Herald.example.com",
    source: "Invented Report - 2024",
    reportUrl: "https://report.example.org/1",
    identifiedDate: "2024-05-01",
    tags: ["A", "B"]
  },
  {
    domain: "topnews",
    matchType: "contains",
    reason: "no host",
    source: "Invented Report",
    reportUrl: "https://report.example.org/1",
    identifiedDate: "2024-05"
  },
];
